// What the documents use of 'next/navigation', so that they can be checked without Next.js. The example itself is built with it.
export declare function useRouter(): { replace(href: string): void }
export declare function redirect(href: string): never
