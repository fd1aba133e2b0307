// The demo as a newcomer runs it: script/demo with its own data directory and ports, and everything that one can click in
// it, from the PGO through Sluis and the identity provider to the data.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Browser, forms, visibleText } from './support/browser.mjs'
import { freeOffset } from './support/ports.mjs'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const binary = process.env.SLUIS_BIN ?? path.join(root, 'build-san', 'sluis')
const folder = path.join(root, 'tests', 'artefacts', 'houses', `demo-${process.pid}`)
const START_MS = 120000
const DUINEN = 'huisartsdeduinen'
const MEERPAAL = 'ziekenhuisdemeerpaal'
const [SANNE, JOOST, MILA, DAAN] = ['999990019', '123456782', '111222333', '426308505']

let offset, demo

// One run of script/demo. `started` settles at its ready line, or when it ends before that.
function launch() {
  const child = spawn(path.join(root, 'script', 'demo'), {
    cwd: root,
    env: { ...process.env, DEMO_DIR: folder, PORT_OFFSET: String(offset), BUILD_DIR: path.dirname(binary) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const run = { child, out: '', err: '', status: undefined }
  run.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve((run.status = code ?? signal))))
  run.started = new Promise((resolve) => {
    child.stdout.on('data', (piece) => {
      run.out += piece
      if (/^ready .*\n/m.test(run.out)) resolve()
    })
    child.stderr.on('data', (piece) => { run.err += piece })
    run.ended.then(resolve)
    setTimeout(resolve, START_MS).unref()
  })
  return run
}

async function start() {
  const run = launch()
  await run.started
  assert.match(run.out, /\nready [^\n]*\n$/, `the demo did not get ready: ${run.out}${run.err}`)
  return run
}

async function stop(run) {
  run.child.kill('SIGINT')
  assert.equal(await run.ended, 0, run.err)
}

const at = (host, where = '/') => `http://${host}.localhost:${8090 + offset}${where}`
const startPage = () => `http://localhost:${8090 + offset}/`

// From the PGO's start page to the login page of Sluis.
async function depart(browser, provider, { action = 'collect', days } = {}) {
  const home = await browser.get(at('pgo'))
  const form = forms(home.text).find((one) => one.fields.provider === provider && one.fields.function === action)
  assert.ok(form, `the PGO offers ${action} at ${provider}`)
  const fields = { ...form.fields, ...(days === undefined ? {} : { days }) }
  return browser.follow(await browser.post(at('pgo', form.action), fields))
}

const logIn = async (browser, landing, choice, idp = 'digid') => {
  const login = await browser.follow(await browser.submit(landing, { button: { name: 'idp', value: idp } }))
  return browser.follow(await browser.submit(login, { button: { name: 'choice', value: choice } }))
}

const choose = async (browser, page, choice, fields = {}) =>
  browser.follow(await browser.submit(page, { button: { name: 'choice', value: choice }, fields }))

// All the way to the PGO's page with the result.
async function travel(person, provider, { indefinite, idp, ...wish } = {}) {
  const browser = new Browser()
  const page = await logIn(browser, await depart(browser, provider, wish), person, idp)
  const result = await choose(browser, page, 'give', indefinite ? { indefinite: 'yes' } : {})
  return { browser, result }
}

const byId = (page, id) => {
  const found = page.text.match(new RegExp(`<([a-z0-9]+)[^>]*\\bid="${id}"[^>]*>([^]*?)</\\1>`))
  return found ? visibleText(found[2]) : undefined
}
const servicesOn = (page) => [...page.text.matchAll(/<section id="service-(\d+)">/g)].map(([, id]) => id)

describe('demo', { timeout: 1200000 }, () => {
  before(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(path.dirname(folder), { recursive: true })
    offset = await freeOffset([8080, 8443, 9090, 8090, 2525])
    demo = await start()
  })
  after(async () => {
    demo?.child.kill('SIGTERM')
    await demo?.ended
    for (const name of ['sluis', 'sluis-sim']) {
      const log = readFileSync(path.join(folder, 'logs', `${name}.log`), 'utf8')
      assert.doesNotMatch(log, /Sanitizer|runtime error:/, name)
    }
  })

  test('the last line says ready with the addresses', () => {
    const line = demo.out.trim().split('\n').at(-1)
    const ports = [8090, 8090, 8080, 8443, 9090].map((port) => String(port + offset))
    assert.deepEqual(line.split(' ').slice(1).map((url) => new URL(url).port), ports)
  })

  test('secrets in the data directory are for its owner alone', () => {
    for (const name of ['.', 'sluis.yaml', 'catalog.yaml', 'keys/sluis.keys', 'certs/ca.key', 'certs/back.key', 'certs/pgo.key', 'sluis.db']) {
      assert.equal(statSync(path.join(folder, name)).mode & 0o077, 0, name)
    }
  })

  test('every page of the simulator says that it is one', async () => {
    const browser = new Browser()
    const login = await browser.follow(await browser.submit(await depart(browser, DUINEN), { button: { name: 'idp' , value: 'digid' } }))
    const urls = [startPage(), at('pgo'), at('pgo', '/result'), at('digid'), at('fhir'), at('registry'), at('pgo', '/nergens')]
    for (const page of [login, ...(await Promise.all(urls.map((url) => browser.get(url))))]) {
      assert.match(byId(page, 'simulator') ?? '', /^Simulator\. .*verzonnen/, page.url)
    }
  })

  test('the registry publishes four right lists', async () => {
    const words = ['lists', 'verify', '--config', path.join(folder, 'sluis.yaml')]
    const { error, stdout } = await new Promise((resolve) =>
      execFile(binary, words, (failure, out, err) => resolve({ error: failure, stdout: out + err })))
    assert.equal(error, null, stdout)
    assert.equal(stdout.match(/: a valid MedMij_/g)?.length, 4, stdout)
  })

  test('Sanne collects everything, for once', async () => {
    const { result } = await travel(SANNE, DUINEN)
    assert.equal(byId(result, 'scope'), '48 49 51 63')
    assert.deepEqual(servicesOn(result), ['48', '49', '51', '63'])
    assert.match(byId(result, 'service-49'), /Bloeddruk 128\/82 mmHg/)
    assert.equal(byId(result, 'has-refresh'), 'nee')
  })

  test('Joost gets what there is: his general practitioner\'s data', async () => {
    const { result } = await travel(JOOST, DUINEN)
    assert.equal(byId(result, 'scope'), '49')
    assert.deepEqual(servicesOn(result), ['49'])
    assert.doesNotMatch(result.text, /Hooikoorts/)
  })

  test('Sanne collects at the hospital with the lower level of login', async () => {
    const { result } = await travel(SANNE, MEERPAAL, { idp: 'digid-midden' })
    assert.equal(byId(result, 'scope'), '48 51')
    assert.match(byId(result, 'service-51'), /Ontslagbrief/)
  })

  for (const [name, person, provider, text] of [
    ['Mila has no data', MILA, DUINEN, 'Geen gegevens gevonden'],
    ['Joost is not known at the hospital', JOOST, MEERPAAL, 'Geen gegevens gevonden'],
    ['Daan is too young at the practice', DAAN, DUINEN, '16 jaar of ouder'],
    ['Daan is too young at the hospital', DAAN, MEERPAAL, '16 jaar of ouder'],
  ]) {
    test(`${name}: a page that says so, and nothing to consent to`, async () => {
      const browser = new Browser()
      const page = await logIn(browser, await depart(browser, provider), person)
      assert.ok(visibleText(page.text).includes(text), visibleText(page.text))
      assert.ok(!forms(page.text).some((form) => form.buttons.some((button) => button.value === 'give')))
    })
  }

  test('a refusal: the PGO has an error and no data', async () => {
    const browser = new Browser()
    const page = await logIn(browser, await depart(browser, DUINEN), SANNE)
    const result = await choose(browser, page, 'refuse')
    assert.equal(byId(result, 'error-code'), 'access_denied')
    assert.deepEqual(servicesOn(result), [])
  })

  test('a login that is broken off can be taken up again', async () => {
    const browser = new Browser()
    const cancelled = await logIn(browser, await depart(browser, DUINEN), 'cancel')
    assert.match(visibleText(cancelled.text), /inlog bij .* geannuleerd/)
    const page = await logIn(browser, cancelled, SANNE)
    assert.equal(byId(await choose(browser, page, 'give'), 'scope'), '48 49 51 63')
  })

  test('an error at the identity provider: Technische storing', async () => {
    const browser = new Browser()
    const page = await logIn(browser, await depart(browser, DUINEN), 'fail')
    assert.match(visibleText(page.text), /Technische storing/)
  })

  test('Sanne shares a questionnaire', async () => {
    const { result } = await travel(SANNE, DUINEN, { action: 'share' })
    assert.equal(byId(result, 'scope'), `${DUINEN}~53`)
    assert.match(visibleText(result.text), /Delen met Huisartsenpraktijk/)
    assert.match(byId(result, 'service-53'), /Vragenlijst verstuurd/)
  })

  for (const [asked, granted, text] of [
    [180, 180, /meldingen 180 dagen lang/], [1000, 365, /meldingen 365 dagen lang/], [0, 0, /geen meldingen meer/],
  ]) {
    test(`notifications for ${asked} days: ${granted} granted`, async () => {
      const { result } = await travel(JOOST, DUINEN, { action: 'subscribe', days: String(asked) })
      assert.equal(byId(result, 'scope'), `subscribe~${granted}/${DUINEN}~49`)
      assert.match(byId(result, 'service-49'), text)
    })
  }

  test('a later refusal leaves the connection that there was', async () => {
    const { browser } = await travel(SANNE, DUINEN, { indefinite: true })
    const page = await logIn(browser, await depart(browser, DUINEN), SANNE)
    assert.equal(byId(await choose(browser, page, 'refuse'), 'error-code'), 'access_denied')
    const kept = await browser.get(at('pgo', `/result?connection=${DUINEN}-collect`))
    assert.equal(byId(kept, 'has-refresh'), 'ja')
  })

  test('after "Verbinding beëindigen" the access token is dead as well', async () => {
    const { browser, result } = await travel(SANNE, DUINEN, { indefinite: true })
    const ended = await browser.follow(await browser.submit(result, { action: '/revoke' }))
    assert.match(byId(ended, 'ended'), /beëindigd/)
    const tried = await browser.follow(await browser.submit(ended, { action: '/fetch' }))
    assert.match(byId(tried, 'service-49'), /niet \(meer\) geldig \(status 401\)/)
  })

  test('a second demo on the same ports is told so', async () => {
    const run = launch()
    assert.equal(await run.ended, 1)
    assert.match(run.err, /port \d+ is in use; .*PORT_OFFSET=/)
  })

  test('Ctrl-C ends it in order; the next start goes on with the same consent', async () => {
    const { browser, result } = await travel(SANNE, DUINEN, { indefinite: true })
    assert.equal(byId(result, 'has-refresh'), 'ja')
    await stop(demo)
    assert.match(readFileSync(path.join(folder, 'logs', 'sluis.log'), 'utf8').trim().split('\n').at(-1), /"event":"stopped","clean":true/)
    demo = await start()
    assert.doesNotMatch(demo.out, /added/)
    const page = await browser.get(at('pgo', '/result'))
    const renewed = await browser.follow(await browser.submit(page, { action: '/refresh' }))
    assert.equal(byId(renewed, 'error'), undefined)
    assert.deepEqual(servicesOn(renewed), ['48', '49', '51', '63'])
    assert.equal(byId(renewed, 'has-refresh'), 'ja')
  })
})
