// Waiting for what comes about by itself. A test waits for a condition, never for a duration: how long something takes is
// not known beforehand, and a machine may be busy.
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 90000
const PAUSE_MS = 50

// What `isTrue` tells at last, which may be a promise; `what` (a text, or a function that makes one) is for who reads why not.
export async function until(what, isTrue, milliseconds = PATIENCE_MS) {
  for (const end = Date.now() + milliseconds; ; await sleep(PAUSE_MS)) {
    const found = await isTrue()
    if (found) return found
    if (Date.now() > end) throw new Error(`not within ${milliseconds / 1000} s: ${typeof what === 'function' ? what() : what}`)
  }
}

// The same for what fails until it works.
export async function eventually(run) {
  let last
  const found = await until(() => String(last?.stack), async () => {
    try {
      return { value: await run() }
    } catch (error) {
      last = error
      return undefined
    }
  })
  return found.value
}

// Sees to it that no hour strikes within so many seconds, for tests of what is counted by the day or done at a set hour.
export async function clearOfTheHour(seconds = 60) {
  const left = 3600000 - (Date.now() % 3600000)
  if (left < seconds * 1000) await sleep(left + 1000)
}
