// What the documents use of 'next/headers'.
export declare function headers(): Promise<Headers>
