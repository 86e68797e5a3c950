// What the documents use of 'next/server'.
export declare const NextResponse: { next(): Response }
