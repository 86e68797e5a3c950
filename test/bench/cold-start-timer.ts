export {}

// Times what a module does when it is imported, free of what Node itself takes to begin.
const begin = performance.now()
await import(process.argv[2]!)
console.log(performance.now() - begin)
