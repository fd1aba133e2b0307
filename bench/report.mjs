// Makes the table of one bench and keeps it: node bench/report.mjs LINES FOLDER writes FOLDER/latest.json and latest.md
// and prints the latter.
import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const [, , linesFile, folder] = process.argv
const results = readFileSync(linesFile, 'utf8').split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
if (results.length === 0) {
  console.error('bench: nothing was measured')
  process.exit(1)
}

const run = (command, ...words) => execFileSync(command, words, { encoding: 'utf8' }).trim()
const flag = (value) => (value ? 'yes' : 'NO')
const number = (value, digits) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

// What one durable write of a page costs here by itself: the price that group commit shares out.
function syncMilliseconds(directory) {
  const file = path.join(directory, 'sync-probe')
  const descriptor = openSync(file, 'w')
  const page = Buffer.alloc(4096, 1)
  const times = []
  for (let i = 0; i < 200; i++) {
    const began = process.hrtime.bigint()
    writeSync(descriptor, page)
    fdatasyncSync(descriptor)
    times.push(Number(process.hrtime.bigint() - began) / 1e6)
  }
  closeSync(descriptor)
  rmSync(file)
  return times.sort((a, b) => a - b)[20] // a low one, since others may be at work
}

const TARGETS = {
  authorize: { per_second: 1000, server_cpu_ms: 1.0 },
  refresh: { per_second: 5000 },
  introspect: { per_second: 20000 },
  'sso-paced': { per_second: 196, p95_ms: 50 }, // 200 are started each second; the last few end after the measurement
}
const MEASURES = {
  per_second: { text: (value, target) => `${number(value, 0)} per second, wanted ${number(target, 0)}`, isMet: (value, target) => value >= target },
  server_cpu_ms: { text: (value, target) => `${number(value, 2)} ms server CPU, wanted ${number(target, 1)} or less`, isMet: (value, target) => value <= target },
  p95_ms: { text: (value, target) => `95 % within ${number(value, 1)} ms, the identity provider's own time included, wanted ${number(target, 0)} or less`, isMet: (value, target) => value <= target },
}
const MEMORY_MB = 40
const NAMES = {
  authorize: 'complete authorization', redeem: 'code for tokens', refresh: 'refresh', introspect: 'introspection',
  peer: 'complete authorization', sso: 'complete sign-on', 'sso-paced': 'sign-on, 200 a second', apache: 'complete sign-on',
  'apache-paced': 'sign-on, 200 a second',
}
const LABELS = { sqlite: 'Sluis, SQLite', postgresql: 'Sluis, PostgreSQL', peer: 'oidc-provider, no disk', apache: 'Apache, sessions in memory', 'apache-file': 'Apache, sessions in files' }

const machine = {
  date: new Date().toISOString().slice(0, 10),
  cores: os.availableParallelism?.() ?? os.cpus().length,
  processor: os.cpus()[0].model,
  memory_gb: Math.round(os.totalmem() / 1e9),
  system: `${os.type()} ${os.release().split('-')[0]}`,
  filesystem: run('findmnt', '-n', '-o', 'FSTYPE', '-T', path.dirname(linesFile)),
  sync_ms: syncMilliseconds(path.dirname(linesFile)),
  node: process.version,
  seconds: Number(process.env.BENCH_SECONDS ?? 10),
}

const rows = [
  ['', 'what', 'threads', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'server CPU ms', 'store CPU ms', 'RSS MB', 'writes', 'batches/write', 'others', 'failures'],
  ...results.map((one) => [
    LABELS[one.label] ?? one.label, NAMES[one.job] ?? one.job, String(one.threads), number(one.per_second, 0), number(one.p50_ms, 1), number(one.p95_ms, 1),
    number(one.p99_ms, 1), number(one.server_cpu_ms, 3), one.store_cpu_ms > 0 ? number(one.store_cpu_ms, 3) : '-',
    number(one.memory_mb, 1), number(one.writes_per_operation, 1), one.batches_per_write > 0 ? number(one.batches_per_write, 3) : '-',
    `${number(100 * one.others_share, 0)} %`, String(one.failures),
  ]),
]
const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
const line = (row) => `| ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`
const table = [line(rows[0]), `|${widths.map((width, column) => (column < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`, ...rows.slice(1).map(line)]

const verdicts = results.flatMap((one) => Object.entries(TARGETS[one.job] ?? {}).map(([key, target]) =>
  `- ${LABELS[one.label]}, ${NAMES[one.job]}: ${MEASURES[key].text(one[key], target)}: ${flag(MEASURES[key].isMet(one[key], target))}`))
for (const one of results.filter(({ job }) => job.startsWith('sso'))) {
  verdicts.push(`- ${LABELS[one.label]}, ${NAMES[one.job]}: ${one.log_lost} entries of the numbered log lost, wanted none: ${flag(one.log_lost === 0)}`)
}
for (const label of ['sqlite', 'postgresql']) {
  const sizes = results.filter((one) => one.label === label).map((one) => one.memory_mb)
  if (sizes.length) verdicts.push(`- ${LABELS[label]}, resident memory at its highest: ${number(Math.max(...sizes), 1)} MB, wanted ${MEMORY_MB} or less: ${flag(Math.max(...sizes) <= MEMORY_MB)}`)
}

const peer = results.find((one) => one.job === 'peer')
const ratios = peer ? results.filter((one) => one.job === 'authorize').map((one) =>
  `- ${LABELS[one.label]} against oidc-provider, complete authorizations: ${number(one.per_second / peer.per_second, 1)} times as many per second, ` +
  `${number(peer.server_cpu_ms / one.server_cpu_ms, 1)} times less CPU, ${number(peer.memory_mb / one.memory_mb, 1)} times less memory`) : []

for (const [job, theirs] of [['sso', 'apache'], ['sso-paced', 'apache-paced']]) {
  for (const one of results.filter((row) => row.job === job)) {
    for (const other of results.filter((row) => row.job === theirs)) {
      ratios.push(`- ${LABELS[one.label]} against ${LABELS[other.label]}, ${NAMES[job]}: ` +
        `${number(one.per_second / other.per_second, 1)} times as many per second, ${number(other.server_cpu_ms / one.server_cpu_ms, 1)} times less CPU, ` +
        `${number(other.p95_ms / one.p95_ms, 1)} times less time at p95, ${number(other.memory_mb / one.memory_mb, 1)} times less memory`)
    }
  }
}
const providerTimes = results.filter((one) => one.idp_ms > 0).map((one) => one.idp_ms)
const providerText = providerTimes.length ? `The identity provider of the bench takes ${number(Math.min(...providerTimes), 2)} to ${number(Math.max(...providerTimes), 2)} ms of CPU for one token answer, in the load generator's process.` : ''

const text = `# Results of ${machine.date}

${machine.cores} cores (${machine.processor}), ${machine.memory_gb} GB, ${machine.system}, stores on
${machine.filesystem} (${number(machine.sync_ms, 2)} ms for one synced write of a page). ${machine.seconds} seconds each. Server, load generator and PostgreSQL share the cores.

${table.join('\n')}

Per operation: server CPU, CPU of PostgreSQL's processes, write transactions asked for. Batches per write: SQLite transactions,
so syncs, per write. Others: the part of the machine's CPU time that went to work that has nothing to do with the bench; it takes
from throughput and percentiles. ${providerText}

${[...verdicts, ...ratios].join('\n')}
`
mkdirSync(folder, { recursive: true })
writeFileSync(path.join(folder, 'latest.json'), `${JSON.stringify({ machine, results }, null, 2)}\n`)
writeFileSync(path.join(folder, 'latest.md'), text)
console.log(text)
