// Preloaded into the daemon (NODE_OPTIONS=--import …): SIGUSR2 ends the thread that writes the database.
process.on('worker', (worker) => process.on('SIGUSR2', () => void worker.terminate()));
