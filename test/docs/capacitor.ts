// What the documents use of '@capacitor/app' and '@capacitor/browser', so that they can be checked without Capacitor.
interface Handle {
  remove(): Promise<void>
}

export declare const App: {
  addListener(event: 'appUrlOpen', listener: (event: { url: string }) => void): Promise<Handle>
  getLaunchUrl(): Promise<{ url: string } | undefined>
}

export declare const Browser: {
  open(options: { url: string }): Promise<void>
  close(): Promise<void>
  addListener(event: 'browserFinished', listener: () => void): Promise<Handle>
}
