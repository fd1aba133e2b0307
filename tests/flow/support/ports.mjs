// Free ports on the loopback, in a range that is ours alone, so that suites can run side by side with a demo.
import { randomInt } from 'node:crypto'
import net from 'node:net'

const FIRST = 22000
const LAST = 23999
let next = randomInt(FIRST, LAST) // suites that start together do not probe the same ports at the same moment

export async function freePort() {
  for (let tries = 0; tries < LAST - FIRST; tries++) {
    const port = next
    next = next >= LAST ? FIRST : next + 1
    if (await isFree(port)) return port
  }
  throw new Error('no free port')
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

// *.localhost is the loopback (RFC 6761); the system's resolver does not always know.
export function lookupLoopback(hostname, options, callback) {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}
