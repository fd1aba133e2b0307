// Free ports on the loopback, claimed for this process until it ends, so that suites and whole test runs can go side by
// side: that nothing listens yet does not tell that nobody is about to.
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

const FIRST = 22000
const LAST = 23999
const claims = path.join(os.tmpdir(), 'sluis-test-ports')
const mine = new Set()
let next = randomInt(FIRST, LAST) // suites that start together do not probe the same ports at the same moment

process.on('exit', () => mine.forEach((port) => rmSync(path.join(claims, String(port)), { force: true })))

export async function freePort() {
  for (let tries = 0; tries < LAST - FIRST; tries++) {
    const port = next
    next = next >= LAST ? FIRST : next + 1
    if (await take(port)) return port
  }
  throw new Error('no free port')
}

// An offset that leaves every one of `ports` free when it is added to them (PORT_OFFSET of the demo), and below those that
// the system gives to outgoing connections.
export async function freeOffset(ports) {
  for (let tries = 0; tries < 100; tries++) {
    const offset = randomInt(400, 1180) * 20
    const taken = []
    for (const port of ports) if (await take(port + offset)) taken.push(port + offset)
    if (taken.length === ports.length) return offset
    taken.forEach(release)
  }
  throw new Error('no free ports for a demo')
}

async function take(port) {
  if (!claim(port)) return false
  if (await isFree(port)) return true
  release(port)
  return false
}

// The claim of a process that is gone counts no longer.
function claim(port) {
  const file = path.join(claims, String(port))
  mkdirSync(claims, { recursive: true })
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      mine.add(port)
      return true
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (isAlive(file)) return false
      rmSync(file, { force: true })
    }
  }
  return false
}

function isAlive(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    if (pid > 0) process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function release(port) {
  mine.delete(port)
  rmSync(path.join(claims, String(port)), { force: true })
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
