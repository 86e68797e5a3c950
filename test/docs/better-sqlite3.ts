// What the documents use of better-sqlite3, which needs a compiler to install.
export default class Database {
  declare pragma: (text: string) => unknown
  declare exec: (text: string) => unknown
  declare prepare: (text: string) => { all: (...parameters: unknown[]) => unknown[] }
  readonly path: string
  constructor(path: string) {
    this.path = path
  }
}
