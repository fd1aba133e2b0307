// The pages in a real browser: every screen at the width of a telephone and of a desk, light and dark, held against axe's
// rules without exception, and kept as screenshots in tests/artefacts/screens.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, before } from 'node:test'
import axe from 'axe-core'
import puppeteer from 'puppeteer-core'
import { artefacts, startHouse } from '../flow/harness.mjs'
import { check } from '../flow/support/checks.mjs'
import { answers } from '../flow/support/webhook.mjs'

const SCREENS = path.join(artefacts, 'screens')
const WIDTHS = [360, 1280]
const SCHEMES = ['light', 'dark']
const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

let house
let chromium
let profile
let pgoServer

before(async () => {
  rmSync(SCREENS, { recursive: true, force: true })
  mkdirSync(SCREENS, { recursive: true })
  house = await startHouse('browser', { behaviour: { action: 'page', person: '999990019' } })
  house.webhook.answer = answers.all()
  pgoServer = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<!doctype html><html lang="nl"><title>PGO</title><h1>Terug in het PGO</h1></html>')
  })
  await new Promise((resolve) => pgoServer.listen(house.ports.pgo, '127.0.0.1', resolve))
  profile = mkdtempSync(path.join(os.tmpdir(), 'sluis-browser-'))
  chromium = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, userDataDir: profile, timeout: 120000, protocolTimeout: 120000,
  })
})

after(async () => {
  await chromium?.close()
  pgoServer?.closeAllConnections()
  await new Promise((resolve) => (pgoServer ? pgoServer.close(resolve) : resolve()))
  await house?.stop()
  if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 20 })
})

// One person with a browser of their own.
async function withPage(run) {
  const context = await chromium.createBrowserContext()
  const page = await context.newPage()
  const faults = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of [45]\d\d|favicon/.test(message.text())) faults.push(message.text())
  })
  page.setDefaultTimeout(60000)
  try {
    await run(page)
    assert.deepEqual(faults, [], 'what the browser complained about')
  } finally {
    await context.close()
  }
}

async function press(page, selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)])
}

const LOGIN = 'form[action$="/oauth/login"] button'
const BACK = 'a[href*="pgo.localhost"], form[action*="pgo.localhost"] button'
const CONSENT = (choice) => `form[action$="/oauth/consent"] button[name="choice"][value="${choice}"]`

async function open(page, scope, changes) {
  await page.goto(house.pgo.start(scope, changes).url, { waitUntil: 'load' })
}

// To the page after the login; `action` is the button that the person presses at the identity provider.
async function toLogin(page, scope, action = 'login') {
  await open(page, scope)
  await press(page, LOGIN)
  await press(page, `#${action}`)
}

// The screen at both widths, light and dark: picture, axe, and nothing that has to be scrolled sideways.
async function look(page, name) {
  await page.evaluate(axe.source)
  for (const width of WIDTHS) {
    await page.setViewport({ width, height: width === 360 ? 740 : 860 })
    for (const scheme of SCHEMES) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      await page.screenshot({ path: path.join(SCREENS, `${name}-${width}-${scheme}.png`), fullPage: true })
      const result = await page.evaluate(() => globalThis.axe.run(document))
      const told = result.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`)
      assert.deepEqual(told, [], `axe on ${name} at ${width} ${scheme}`)
      assert.ok(result.passes.length > 5)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(overflow <= 0, `${name} at ${width}: ${overflow} px too wide`)
    }
  }
}

const text = (page) => page.evaluate(() => document.body.innerText.replace(/\s+/g, ' '))
const address = (page) => new URL(page.url())

check('happy path: landing, login, consent for an indefinite time, back in the PGO with a code', () => withPage(async (page) => {
  await open(page, 'huisartsdeduinen')
  assert.match(await text(page), /Welkom bij Huisartsenpraktijk De Duinen/)
  await look(page, 'landing')
  await press(page, LOGIN)
  await press(page, '#login')
  assert.match(await text(page), /Toestemming geven/)
  assert.equal(await page.$eval('input[name="indefinite"]', (box) => box.checked), false)
  await look(page, 'consent-collect')
  await page.click('input[name="indefinite"]')
  await press(page, CONSENT('give'))
  assert.equal(address(page).hostname, 'pgo.localhost')
  assert.ok(address(page).searchParams.get('code'))
}))

check('happy path in the older text set, with an announcement of who logs people in', () => withPage(async (page) => {
  await open(page, 'ziekenhuisdemeerpaal')
  assert.match(await text(page), /moet u inloggen/)
  await look(page, 'landing-u')
  await press(page, LOGIN)
  await press(page, '#login')
  await look(page, 'consent-collect-u')
}))

check('several means to log in: the strongest is encouraged', () => withPage(async (page) => {
  await open(page, 'praktijkdetekens')
  assert.match(await text(page), /Substantieel/)
  await look(page, 'landing-levels')
}))

check('share: confirmation', () => withPage(async (page) => {
  await toLogin(page, 'huisartsdeduinen~53')
  await look(page, 'confirm-share')
  await press(page, CONSENT('give'))
  assert.ok(address(page).searchParams.get('code'))
}))

check('subscribe, and end it', () => withPage(async (page) => {
  await toLogin(page, 'subscribe~30/huisartsdeduinen~49')
  await look(page, 'consent-subscribe')
  await press(page, CONSENT('give'))
  await toLogin(page, 'subscribe~0/huisartsdeduinen~49')
  await look(page, 'end-subscription')
}))

check('refusal goes back with access_denied', () => withPage(async (page) => {
  await toLogin(page, 'huisartsdeduinen')
  await press(page, CONSENT('refuse'))
  assert.equal(address(page).hostname, 'pgo.localhost')
  assert.equal(address(page).searchParams.get('error'), 'access_denied')
}))

check('cancelled login: page, another try, and Sluiten', () => withPage(async (page) => {
  await toLogin(page, 'huisartsdeduinen', 'cancel')
  assert.match(await text(page), /geannuleerd/)
  await look(page, 'cancelled')
  await press(page, 'form[action$="/oauth/retry"] button')
  await press(page, '#cancel')
  await press(page, 'form[action$="/oauth/close"] button')
  assert.equal(address(page).searchParams.get('error'), 'access_denied')
}))

check('Annuleren on the landing page', () => withPage(async (page) => {
  await open(page, 'huisartsdeduinen')
  await press(page, 'form[action$="/oauth/cancel"] button')
  assert.equal(address(page).searchParams.get('error'), 'access_denied')
}))

for (const reason of ['none', 'noRelation', 'tooYoung']) {
  check(`no data (${reason}): the page says so, and its way back works`, () => withPage(async (page) => {
    house.webhook.answer = answers[reason]()
    try {
      await toLogin(page, 'kliniekdewebhaak')
    } finally {
      house.webhook.answer = answers.all()
    }
    assert.equal(address(page).hostname, 'localhost')
    await look(page, `no-data-${reason}`)
    await press(page, BACK)
    assert.equal(address(page).searchParams.get('error'), 'access_denied')
  }))
}

check('expiry: a page that waited too long says so', () => withPage(async (page) => {
  await toLogin(page, 'huisartsdeduinen')
  await house.moveClock(1000)
  try {
    await press(page, CONSENT('give'))
    assert.equal(address(page).hostname, 'localhost')
    await look(page, 'expired')
  } finally {
    await house.moveClock(0)
  }
}))

check('back button after the choice: the page is of no use any more, and says so', () => withPage(async (page) => {
  await toLogin(page, 'huisartsdeduinen')
  await press(page, CONSENT('give'))
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.goBack()])
  assert.equal(address(page).hostname, 'localhost')
  // A browser may show the page as it was, from memory; it must not do anything any more.
  if (await page.$(CONSENT('give'))) await press(page, CONSENT('give'))
  assert.equal(address(page).hostname, 'localhost')
  assert.match(await text(page), /niet meer geldig/)
  await look(page, 'used')
}))

check('technical failure, with a way back', () => withPage(async (page) => {
  await open(page, 'praktijkdestoring')
  await press(page, LOGIN)
  assert.match(await text(page), /Technische storing/)
  await look(page, 'technical')
  await press(page, BACK)
  assert.equal(address(page).searchParams.get('error'), 'temporarily_unavailable')
}))

check('an unsafe request: the error page', () => withPage(async (page) => {
  await open(page, 'huisartsdeduinen', { client_id: 'onbekend.localhost' })
  await look(page, 'error')
}))

check('a page that is not there', () => withPage(async (page) => {
  await page.goto(`${house.frontUrl}/nergens`, { waitUntil: 'load' })
  await look(page, 'not-found')
}))

// ---- with the keyboard alone ----

// Tabs on until the element has the focus, and sees to it that the focus can be seen on the way.
async function tabTo(page, selector) {
  for (let presses = 0; presses < 30; presses++) {
    await page.keyboard.press('Tab')
    const state = await page.evaluate((wanted) => {
      const active = document.activeElement
      if (!active || active === document.body) return { isThere: false }
      const style = getComputedStyle(active)
      const isSeen = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none'
      return { isThere: active.matches(wanted), isSeen, html: active.outerHTML.slice(0, 120) }
    }, selector)
    if (state.html) assert.ok(state.isSeen, `the focus cannot be seen on ${state.html}`)
    if (state.isThere) return
  }
  assert.fail(`the Tab key does not reach ${selector}`)
}

async function enter(page) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')])
}

check('the keyboard alone: from the landing page to the PGO', () => withPage(async (page) => {
  await open(page, 'huisartsdeduinen')
  await tabTo(page, LOGIN)
  await enter(page)
  await tabTo(page, '#login')
  await enter(page)
  await tabTo(page, 'input[name="indefinite"]')
  await page.keyboard.press('Space')
  assert.equal(await page.$eval('input[name="indefinite"]', (box) => box.checked), true)
  await tabTo(page, CONSENT('give'))
  await enter(page)
  assert.ok(address(page).searchParams.get('code'))
}))

check('no JavaScript is needed, nor sent', () => withPage(async (page) => {
  const scripts = []
  page.on('request', (request) => { if (request.resourceType() === 'script') scripts.push(request.url()) })
  await page.setJavaScriptEnabled(false)
  await open(page, 'huisartsdeduinen')
  await press(page, LOGIN)
  await press(page, '#login')
  await press(page, CONSENT('give'))
  assert.ok(address(page).searchParams.get('code'))
  assert.deepEqual(scripts, [])
}))

check('at 320 pixels, which is a desk zoomed in four times, nothing is cut off', () => withPage(async (page) => {
  await page.setViewport({ width: 320, height: 256 })
  await toLogin(page, 'huisartsdeduinen')
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.ok(overflow <= 0, `${overflow} px too wide at 320`)
}))
