// The asynchronous API of node: looks for the lock file, then makes it. Two can look before either makes it.
const fs = require('fs/promises')

const me = process.env.LOCKFUZZ_WORKER

async function main () {
  const taken = await fs.access('lock').then(() => true, () => false)
  if (taken) process.exit(75)
  await fs.writeFile('lock', me)

  await fs.access('lockfuzz:enter').catch(() => {})
  await fs.writeFile('cache', me)
  const seen = await fs.readFile('cache', 'utf8')
  await fs.access('lockfuzz:leave').catch(() => {})
  await fs.rm('lock', { force: true })
  if (seen !== me) throw new Error(`worker ${me} read back ${JSON.stringify(seen)}`)
}

main()
