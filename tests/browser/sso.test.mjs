// The professional's door in a real browser: the button in the health record opens the application, and the page of a login
// that is refused, at the width of a telephone and of a desk, light and dark, held against axe's rules without exception.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before } from 'node:test'
import axe from 'axe-core'
import puppeteer from 'puppeteer-core'
import { artefacts } from '../flow/harness.mjs'
import { assertAbsent, check } from '../flow/support/checks.mjs'
import { until } from '../flow/support/patience.mjs'
import { YSIS, openProfessionals, step } from '../flow/support/professionals.mjs'

const SCREENS = path.join(artefacts, 'screens-sso')
const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

let house
let chromium
let profile

before(async () => {
  rmSync(SCREENS, { recursive: true, force: true })
  mkdirSync(SCREENS, { recursive: true })
  house = await openProfessionals('browser-sso')
  profile = mkdtempSync(path.join(os.tmpdir(), 'sluis-browser-'))
  chromium = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, userDataDir: profile, timeout: 120000, protocolTimeout: 120000,
  })
})

after(async () => {
  await chromium?.close()
  await house?.stop()
  if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 20 })
})

// A person at the record who presses the button; `run` gets the tab that it opens.
async function atButton(member, fields, run) {
  const context = await chromium.createBrowserContext()
  const faults = []
  const watch = (page) => {
    page.setDefaultTimeout(60000)
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of [45]\d\d|favicon/.test(message.text())) faults.push(message.text())
    })
  }
  try {
    const record = await context.newPage()
    watch(record)
    await record.goto(house.at('epd', '/inloggen'), { waitUntil: 'load' })
    await Promise.all([record.waitForNavigation({ waitUntil: 'load' }), record.click(`#member-${member}`)])
    if (fields.patient) await Promise.all([record.waitForNavigation({ waitUntil: 'load' }), record.click(`#open-${fields.patient}`)])
    for (const [id, value] of Object.entries(fields.form ?? {})) await record.select(`#${id}`, value)
    const opened = new Promise((resolve, reject) => {
      context.once('targetcreated', resolve)
      setTimeout(() => reject(new Error('the button opens no tab')), 60000).unref()
    })
    await record.click('#sso-button')
    const tab = await (await opened).page()
    watch(tab)
    await tab.waitForFunction(() => document.readyState === 'complete' && document.querySelector('h1'))
    await run(tab)
    assert.deepEqual(faults, [], 'what the browser complained about')
  } finally {
    await context.close()
  }
}

const text = (page, selector = 'body') => page.$eval(selector, (element) => element.innerText.replace(/\s+/g, ' ').trim())

async function look(page, name) {
  await page.evaluate(axe.source)
  for (const width of [360, 1280]) {
    await page.setViewport({ width, height: width === 360 ? 740 : 860 })
    for (const scheme of ['light', 'dark']) {
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

check('the button of the record opens the application, at the patient', () =>
  atButton('sandra', { patient: '12345', form: { view: 'toedienen', context: 'external_id' } }, async (tab) => {
    assert.equal(new URL(tab.url()).hostname, 'app.localhost')
    assert.match(await text(tab), /Sanne de Wit/)
    assert.equal(await text(tab, '#name'), 'Sandra Bloem')
    assert.equal(await text(tab, '#via'), 'code')
    assertAbsent('12345', 'the address', tab.url())
    assertAbsent('code=', 'the address', tab.url())
    await tab.screenshot({ path: path.join(SCREENS, 'application-1280.png'), fullPage: true })
    assert.equal((await house.newest(YSIS)).code, 0)
  }))

check('C10: five tabs that start at once in a browser without our cookie all reach the application', async () => {
  const context = await chromium.createBrowserContext()
  try {
    const record = await context.newPage()
    await record.goto(house.at('epd', '/inloggen'), { waitUntil: 'load' })
    await Promise.all([record.waitForNavigation({ waitUntil: 'load' }), record.click('#member-sandra')])
    const tabs = await Promise.all(['werklijst', 'tdlmenu', 'aanvraagmenu', 'bestelronde', 'default'].map(async (view) => ({ view, page: await context.newPage() })))
    await Promise.all(tabs.map(({ view, page }) => page.goto(house.at('epd', `/sso?environment=production&view=${view}`), { waitUntil: 'load' })))
    for (const { view, page } of tabs) assert.equal(new URL(page.url()).hostname, 'app.localhost', `${view}: ${await text(page)}`)
    const names = (await tabs[0].page.cookies(house.frontUrl)).map(({ name }) => name).sort()
    assert.deepEqual(names, ['sluis_b', 'sluis_s'])
  } finally {
    await context.close()
  }
})

check('who works at no linked location: one text, one reference, and the log behind it', () =>
  atButton('els', {}, async (tab) => {
    assert.equal(new URL(tab.url()).origin, house.frontUrl)
    assert.equal(await text(tab, 'h1'), 'Inloggen is niet gelukt')
    const [reference] = (await text(tab)).match(/SSO-\d{8}-[0-9A-Z]{8}/)
    const entry = await house.entry(reference)
    assert.equal(`${entry.code}${entry.cause}`, '701c')
    assert.deepEqual(step(entry, 6).ids, ['1377'])
    await look(tab, 'refused-701')
    for (let width = 240; width <= 640; width += 20) { // it is read aloud: in one piece, wherever lines break
      await tab.setViewport({ width, height: 800 })
      assert.equal(await tab.$eval('.reference', (element) => element.getClientRects().length), 1, `at ${width}`)
    }
    assert.equal(await text(tab, '.reference'), reference)
  }))

// ---- logging out ----

const goOn = (page, act) => Promise.all([page.waitForNavigation({ waitUntil: 'load' }), act()])
const sessions = () => house.count('sso_session', "issuer LIKE '%epd.localhost%'")

check('OUT-2 ask, by keyboard alone: out here and at the record, and back', () =>
  atButton('sandra', {}, async (tab) => {
    const before = sessions()
    await goOn(tab, () => tab.click('#logout'))
    assert.equal(tab.url(), `${house.frontUrl}/sso/logout`)
    assert.match(await text(tab), /Wilt u ook uitloggen bij Ysis\? Let op: dan sluit u ook uw dossier\./)
    await look(tab, 'logout-ask')
    await tab.keyboard.press('Tab') // the skip link
    await tab.keyboard.press('Tab')
    assert.equal(await tab.evaluate(() => document.activeElement.id), 'logout-here')
    await tab.keyboard.press('Tab')
    assert.equal(await tab.evaluate(() => document.activeElement.id), 'logout-everywhere')
    await goOn(tab, () => tab.keyboard.press('Enter'))
    assert.equal(sessions(), before - 1)
    assert.equal(new URL(tab.url()).pathname, '/cas/oidc/oidcLogout')
    await goOn(tab, () => tab.click('#end-session'))
    assert.equal(new URL(tab.url()).pathname, `/sso/openidconnect/${YSIS}/logged-out`)
    assert.match(await text(tab), /U bent uitgelogd, hier en bij Ysis\./)
    await look(tab, 'logout-done-everywhere')
    await tab.goto(house.at('epd'), { waitUntil: 'load' })
    assert.equal(new URL(tab.url()).pathname, '/inloggen')
  }))

check('OUT-1: out here only; the record stays open', () =>
  atButton('sandra', {}, async (tab) => {
    await goOn(tab, () => tab.click('#logout'))
    await goOn(tab, () => tab.click('#logout-here'))
    assert.match(await text(tab), /U bent uitgelogd\..* Bij Ysis bent u nog ingelogd/)
    await look(tab, 'logout-done')
    await tab.goto(house.at('epd'), { waitUntil: 'load' })
    assert.equal(new URL(tab.url()).pathname, '/')
  }))

check('905: an unknown way back has one action, which tells', () =>
  atButton('sandra', {}, async (tab) => {
    await tab.goto(`${house.startUrl(YSIS)}/logged-out?state=nee`, { waitUntil: 'load' })
    await look(tab, 'logout-unknown-return')
    await goOn(tab, () => tab.click('a.button'))
    assert.equal(await text(tab, 'h1'), 'Uitloggen')
  }))

check('OUT-7: the record logs out by frames in the browser, where our cookie does not go', () =>
  atButton('sandra', {}, async (tab) => {
    const before = sessions()
    await tab.goto(house.at('epd', '/beheer'), { waitUntil: 'load' })
    await tab.select('#channel', 'front')
    await goOn(tab, () => tab.click('#set-channel'))
    await tab.goto(house.at('epd'), { waitUntil: 'load' })
    await goOn(tab, () => tab.$eval('form[action="/uitloggen"] button', (button) => button.click()))
    const frame = await tab.waitForSelector('iframe')
    assert.match(await frame.evaluate((element) => element.src), /\/frontchannel-logout\?iss=/)
    await until('the session is over', () => sessions() !== before)
    assert.equal(sessions(), before - 1)
    await tab.goto(house.frontUrl + '/sso/logout', { waitUntil: 'load' })
    assert.match(await text(tab), /U bent uitgelogd/)
  }))
