// lockfile: a stale lock is looked at and then removed by name, whoever's it is by then (its issue 4).
const fs = require('fs')
const lockfile = require('lockfile')

const me = process.env.LOCKFUZZ_WORKER

try {
  lockfile.lockSync('cache.lock', { stale: 2000 })
} catch (error) {
  process.exit(75)
}
fs.existsSync('lockfuzz:enter')
fs.writeFileSync('cache', me)
const seen = fs.readFileSync('cache', 'utf8')
fs.existsSync('lockfuzz:leave')
lockfile.unlockSync('cache.lock')

if (seen !== me) {
  console.error(`worker ${me} read back ${JSON.stringify(seen)}`)
  process.exit(1)
}
