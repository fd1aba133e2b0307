// Sums a test report: `node count.mjs meson|node REPORT STATUS` prints what failed and, last, "N passed, N failed".
// STATUS is the exit status of the run; a failure that shows nowhere else counts as one. A skipped or
// unfinished test is a failure: this project skips nothing.
import { existsSync, readFileSync } from 'node:fs'

const [kind, report, status] = process.argv.slice(2)
const LINES_OF_REASON = 40
const faults = []
let passed = 0

// One test program of meson's log. Its points are counted one by one; a program that died, or printed none, is a fault.
function countProgram({ name, result, stdout = '' }) {
  let points = 0
  let bad = 0
  for (const line of stdout.split('\n')) {
    const point = /^(not )?ok\b(.*)$/.exec(line)
    if (!point) continue
    points++
    if (point[1] || /# *(skip|todo)/i.test(point[2])) {
      bad++
      faults.push(`${name}: ${line}`)
    } else {
      passed++
    }
  }
  if (points === 0 || (result !== 'OK' && bad === 0)) faults.push(`${name}: ${result}, ${points} points`)
}

function countMeson(text) {
  const programs = text.split('\n').filter(Boolean).map((line) => JSON.parse(line))
  for (const program of programs) countProgram(program)
}

// node:test ends its TAP with the sums; the names of what failed stand above.
function countNode(text) {
  const sums = {}
  for (const line of text.split('\n')) {
    const sum = /^# (tests|pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line)
    if (sum) sums[sum[1]] = Number(sum[2])
  }
  if (!sums.tests) return
  passed = sums.pass
  const bad = sums.fail + sums.cancelled + sums.skipped + sums.todo
  for (let i = 0; i < bad; i++) faults.push(undefined)
  let room = 0
  for (const line of text.split('\n')) {
    const isFault = /^\s*not ok /.test(line) || /^\s*ok .*# (SKIP|TODO)/i.test(line)
    // Below the name of a failed test stands what it expected and saw. Some of it is enough to know what to look at.
    room = isFault ? LINES_OF_REASON : /^\s*(ok |\.\.\.|# )/.test(line) ? 0 : room - 1
    if (isFault || room > 0) console.log(line.slice(0, 300))
  }
}

if (existsSync(report)) {
  const text = readFileSync(report, 'utf8')
  if (kind === 'meson') countMeson(text)
  else countNode(text)
}
if (passed === 0 && faults.length === 0) faults.push(`nothing ran: ${report}`)
if (status !== '0' && faults.length === 0) faults.push(`ended with status ${status}`)
for (const fault of faults) if (fault) console.log(fault)
console.log(`${passed} passed, ${faults.length} failed`)
