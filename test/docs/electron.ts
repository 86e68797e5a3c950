// What the documents use of 'electron', so that they can be checked without Electron.
export declare const ipcMain: {
  handle(channel: string, listener: (event: object, ...args: unknown[]) => unknown): void
}

export declare const shell: {
  openExternal(url: string): Promise<void>
}
