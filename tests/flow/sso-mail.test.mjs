// The mail to the administrator of a connection (spec sso.md 4.10), through the demo's own mail server: what is sent, what is
// held back, and what happens to logins and mails while the mail server is away.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Browser, visibleText } from './support/browser.mjs'
import { until } from './support/patience.mjs'
import { freeOffset } from './support/ports.mjs'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const binary = process.env.SLUIS_BIN ?? path.join(root, 'build-san', 'sluis')
const folder = path.join(root, 'tests', 'artefacts', 'houses', `sso-mail-${process.pid}`)

let offset, demo, out = '', err = ''

function setClock(seconds, flag = 'r+') {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(seconds))
  writeFileSync(path.join(folder, 'clock'), bytes, { flag })
}

const at = (host, where = '/') => `http://${host}.localhost:${8090 + offset}${where}`
const browser = new Browser()
// Without that of six in the morning, about new locations.
const mails = async () => JSON.parse((await browser.get(at('mail', '/mails.json'))).text).filter(({ subject }) => !subject.endsWith('(707)'))
const setServer = (mode) => browser.post(at('mail', '/smtp'), { mode })
const processLog = () => readFileSync(path.join(folder, 'logs', 'sluis.log'), 'utf8')

// The page on which a member of staff ends who presses the button.
async function logIn(member, environment = 'production', fault) {
  const one = new Browser()
  await one.post(at('epd', '/inloggen'), { member })
  if (fault) await one.post(at('epd', '/misdraging'), { fault, shape: '' })
  return one.follow(await one.get(`${at('epd', '/sso')}?environment=${environment}`))
}

describe('mail about failed logins', { timeout: 1200000 }, () => {
  before(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    offset = await freeOffset([8080, 8443, 9090, 8090, 2525])
    const env = { ...process.env, DEMO_DIR: folder, PORT_OFFSET: String(offset), BUILD_DIR: path.dirname(binary) }
    setClock(0, 'w')
    execFileSync(path.join(root, 'script', 'demo-setup'), { cwd: root, env, stdio: 'ignore' })
    appendFileSync(path.join(folder, 'sluis.yaml'), '\nclock_offset_file: clock\n')
    demo = spawn(path.join(root, 'script', 'demo'), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    demo.ended = new Promise((resolve) => demo.on('close', (code, signal) => resolve(code ?? signal)))
    demo.stdout.on('data', (piece) => { out += piece })
    demo.stderr.on('data', (piece) => { err += piece })
    await until(() => `ready: ${out}${err}`, () => /^ready .*\n/m.test(out) || demo.exitCode !== null)
    assert.equal(demo.exitCode, null, out + err)
  })
  after(async () => {
    demo?.kill('SIGINT')
    assert.equal(await demo?.ended, 0, err)
    assert.match(processLog(), /"stopped".*"clean":true/)
    assert.doesNotMatch(processLog(), /Sanitizer|runtime error:/)
  })

  test('MAIL-1, MAIL-3, MAIL-4: a 701 gives one mail, over TLS, and the page says so', async () => {
    const page = await logIn('els')
    assert.equal(page.status, 403)
    assert.match(visibleText(page.text), /Uw applicatiebeheerder heeft bericht gekregen/)
    const [mail] = await until('the mail', async () => { const all = await mails(); return all.length > 0 && all })
    const reference = visibleText(page.text).match(/SSO-\d{8}-[0-9A-Z]{8}/)[0]
    assert.equal(mail.tls, true)
    assert.equal(mail.from, 'sluis@sluis.example')
    assert.equal(mail.to, 'fab@zonnestraaltjes.example')
    assert.equal(mail.subject, '[SSO productie] zonnestraaltjes: Geen beveiligingsgroepen gevonden (701)')
    assert.equal(mail.headers['Auto-Submitted'], 'auto-generated')
    assert.match(mail.headers['Content-Type'], /^text\/plain; charset=utf-8$/)
    assert.match(mail.headers['Message-ID'], /^<[0-9a-f-]+@sluis\.example>$/)
    for (const part of ['Koppelvlak: zonnestraaltjes_ysis', 'Omgeving: productie', '1 locatie ontvangen, geen enkele gekoppeld (1 nieuw toegevoegd)',
      `Referentie: ${reference}`, '- 1377', 'Onderdrukte herhalingen: geen', 'Advies: ', 'Gebruiker: ']) {
      assert.ok(mail.body.includes(part), `${part} in ${mail.body}`)
    }
  })

  test('MAIL-5: not an address of the person, no network address, no link', async () => {
    const [mail] = await mails()
    assert.doesNotMatch(mail.body, /@|127\.0\.0\.1|::1|https?:|eyJ/)
  })

  test('MAIL-6: the same again is held back, and another environment is not the same', async () => {
    for (let i = 0; i < 3; i++) assert.match(visibleText((await logIn('els')).text), /heeft bericht gekregen/)
    await logIn('els', 'acceptance')
    const all = await until('the other mail', async () => { const all = await mails(); return all.length > 1 && all })
    assert.equal(all.length, 2)
    assert.equal(all[0].to, 'fab@zonnestraaltjes.example, helpdesk@sluis.example')
    assert.match(all[0].subject, /^\[SSO acceptatie\]/)
  })

  test('MAIL-9: a mail server that is away holds up no login, and its mail comes when it is back', async () => {
    await setServer('closed')
    const refused = await logIn('sandra', 'production', 'signature')
    assert.equal(refused.status, 400)
    await until('a refused delivery', () => /"mail_not_sent"/.test(processLog()))
    const page = await logIn('sandra')
    assert.equal(page.status, 200)
    assert.equal((await mails()).length, 2)
    await setServer('accept')
    setClock(70) // past the first retry
    const all = await until('the mail that waited', async () => { const all = await mails(); return all.length > 2 && all })
    assert.equal(all.length, 3)
    assert.match(all[0].subject, /\(504\)$/)
  })

  test('MAIL-6: when the window closes, one summary tells what was held back', async () => {
    setClock(16 * 60)
    const all = await until('the summary', async () => { const all = await mails(); return all.length > 3 && all })
    assert.equal(all.length, 4)
    assert.match(all[0].subject, /\(701\)$/)
    assert.match(all[0].body, /Onderdrukte herhalingen: 3 \(eerste \d\d-\d\d-\d{4} \d\d:\d\d:\d\d, laatste /)
  })
})
