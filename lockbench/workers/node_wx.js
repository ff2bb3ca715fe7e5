// The asynchronous API of node: the flag 'wx' fails where the file is there, and it is tried again after a while.
// Broken: the flag 'w' does not.
const fs = require('fs/promises')
const { setTimeout: sleep } = require('timers/promises')

const me = process.env.LOCKFUZZ_WORKER
const flag = process.argv[2] === 'broken' ? 'w' : 'wx'

async function lock () {
  for (;;) {
    try {
      return await fs.writeFile('lock', me, { flag })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    await sleep(50)
  }
}

async function main () {
  await lock()
  await fs.access('lockfuzz:enter').catch(() => {})
  await fs.writeFile('cache', me)
  const seen = await fs.readFile('cache', 'utf8')
  await fs.access('lockfuzz:leave').catch(() => {})
  await fs.rm('lock', { force: true })
  if (seen !== me) throw new Error(`worker ${me} read back ${JSON.stringify(seen)}`)
}

main()
