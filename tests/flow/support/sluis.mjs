// The program under test as a process: started with a configuration of its own, watched for sanitizer reports, and
// stopped so that its exit status counts.
import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange } from './browser.mjs'
import { until } from './patience.mjs'

const SANITIZER = /ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w*Sanitizer/
const START_MS = 90000
const STOP_MS = 60000
const RUN_MS = 120000

export class Sluis {
  // `folder` holds the configuration and gets the logs; `dataVersion` tells the version of the business data in the store
  constructor({ binary, folder, configFile, internalUrl, dataVersion = () => 0 }) {
    Object.assign(this, { binary, folder, configFile, internalUrl, dataVersion })
    this.logFile = path.join(folder, 'sluis.log')
    this.outputFile = path.join(folder, 'sluis.out')
    writeFileSync(this.logFile, '')
    writeFileSync(this.outputFile, '')
    this.environment = {
      ...process.env,
      TZ: 'Europe/Amsterdam',
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    }
  }

  // Runs a subcommand to its end: { status, stdout, stderr }.
  run(...words) {
    return new Promise((resolve, reject) => {
      execFile(this.binary, words, { env: this.environment, cwd: this.folder, timeout: RUN_MS, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
        if (SANITIZER.test(stderr)) return reject(new Error(`sluis ${words[0]}: ${stderr}`))
        return resolve({ status: error ? error.code ?? -1 : 0, stdout, stderr })
      })
    })
  }

  async mustRun(...words) {
    const result = await this.run(...words)
    if (result.status !== 0) throw new Error(`sluis ${words.join(' ')} ended with ${result.status}:\n${result.stdout}${result.stderr}`)
    return result.stdout
  }

  // Starts the server and waits until it says that it is ready. `isReadyExpected` false waits for the health answer only.
  async start({ isReadyExpected = true } = {}) {
    const log = openSync(this.logFile, 'a')
    const output = openSync(this.outputFile, 'a')
    this.process = spawn(this.binary, ['serve', '--config', this.configFile], { stdio: ['ignore', output, log], env: this.environment, cwd: this.folder })
    closeSync(log)
    closeSync(output)
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
    })
    this.exit = undefined
    // Whatever happens to the test, the server does not outlive it.
    this.reaper ??= () => this.process?.kill('SIGKILL')
    process.removeListener('exit', this.reaper)
    process.on('exit', this.reaper)
    await this.waitFor(isReadyExpected ? '/readyz' : '/healthz')
  }

  async waitFor(probe, milliseconds = START_MS) {
    const end = Date.now() + milliseconds
    let last = 'nothing'
    while (Date.now() < end) {
      if (this.exit) throw new Error(`sluis ended at start (${JSON.stringify(this.exit)}):\n${this.log().slice(-4000)}`)
      try {
        const answer = await exchange(`${this.internalUrl}${probe}`, { timeout: 10000 })
        if (answer.status === 200) return
        last = `${answer.status} ${answer.text}`
      } catch (error) {
        last = error.message
      }
      await sleep(20)
    }
    throw new Error(`sluis: ${probe} did not answer 200 within ${milliseconds} ms; last: ${last}\n${this.log().slice(-4000)}`)
  }

  get isRunning() {
    return Boolean(this.process) && !this.exit
  }

  // The server looks for new business data every second, and says so when it has them, as it does at its start.
  async dataTakenUp() {
    const version = this.dataVersion()
    const loaded = (what) => [...this.log().matchAll(new RegExp(`"business_data_loaded".*"what":"${what}","version":(\\d+)`, 'g'))]
      .some(([, one]) => Number(one) >= version)
    await until(`version ${version} of the business data taken up`, () =>
      !this.isRunning || (loaded('catalogue') && loaded('connections')))
  }

  // The numbered log is written behind the answers, and of each the entry waits before the answer leaves.
  async logSettled() {
    await until('no entry of the numbered log that waits', async () => !this.isRunning ||
      /^sluis_sso_log_queued 0$/m.test((await exchange(`${this.internalUrl}/metrics`)).text))
  }

  log() {
    return readFileSync(this.logFile, 'utf8')
  }

  signal(name) {
    this.process.kill(name)
  }

  async kill() {
    this.process.kill('SIGKILL')
    await this.ended
  }

  // SIGTERM, and the exit status and sanitizers must agree that all was well.
  async stop() {
    if (!this.process) return
    if (!this.exit) this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS)
    const exit = await this.ended
    clearTimeout(timer)
    this.process = undefined
    const report = SANITIZER.exec(this.log())
    if (report) throw new Error(`a sanitizer spoke up in ${this.logFile}:\n${this.log().slice(report.index, report.index + 4000)}`)
    if (exit.code !== 0) throw new Error(`sluis ended with ${JSON.stringify(exit)}:\n${this.log().slice(-4000)}`)
  }
}
