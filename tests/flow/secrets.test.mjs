// The hunt for markers: whatever was secret in the flows of this file appears nowhere: not in logs, not in the store, not in
// metrics, not on the screens of others, not in an address that we made.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { after, before } from 'node:test'
import { CLIENT_SECRET, WEBHOOK_SECRET, forms, isPostgres, startHouse } from './harness.mjs'
import { check } from './support/checks.mjs'
import { answers } from './support/webhook.mjs'

let house
const secrets = new Map() // what it is -> text
before(async () => {
  house = await startHouse('secrets')
  house.webhook.answer = answers.all()
})
after(() => house.stop())

function remember(what, text) {
  assert.ok(text && text.length >= 8, what)
  secrets.set(what, text)
}

const PEOPLE = ['999990019', '123456782', '111222333', '426308505']

// The forms in which a text could have been written down.
function disguises(text) {
  const bytes = Buffer.from(text)
  return [text, encodeURIComponent(text), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), bytes.toString('hex')]
}

// `bait` is something harmless that must be there: a hunt in the wrong place would find nothing and prove nothing.
function hunt(where, haystack, bait) {
  const bytes = Buffer.isBuffer(haystack) ? haystack : Buffer.from(haystack)
  if (bait) assert.ok(bytes.includes(bait), `${bait} should stand in ${where}`)
  for (const [what, text] of secrets) {
    for (const disguise of disguises(text)) {
      const at = bytes.indexOf(disguise)
      assert.equal(at, -1, `${what} stands in ${where}: ...${bytes.subarray(Math.max(0, at - 60), at + 20).toString('latin1')}...`)
    }
  }
}

check('flows that touch every secret', async () => {
  for (const [index, person] of PEOPLE.entries()) remember(`BSN ${index}`, person)
  remember('client secret at the identity provider', CLIENT_SECRET)
  remember('secret of the webhook', WEBHOOK_SECRET)
  for (const line of readFileSync(house.file('keys'), 'utf8').split('\n').filter(Boolean)) remember(`key ${line.split(' ')[0]}`, line.split(' ')[1])

  for (const [index, person] of PEOPLE.entries()) {
    house.idp.behaviour = { action: 'login', person }
    const journey = await house.journey('kliniekdewebhaak').open()
    const callback = await journey.loginUntilCallback()
    remember(`code of the identity provider ${index}`, new URL(callback).searchParams.get('code'))
    remember(`state ${index}`, new URL(callback).searchParams.get('state'))
    await journey.visit(callback)
    remember(`form token ${index}`, forms(journey.page.text)[0].fields.form)
    remember(`cookie ${index}`, [...journey.browser.cookies(house.frontUrl).values()][0])
    await journey.give({ indefinite: true })
    remember(`code ${index}`, journey.answer.code)
    const tokens = await journey.redeem()
    remember(`access token ${index}`, tokens.access_token)
    remember(`refresh token ${index}`, tokens.refresh_token)
    assert.equal((await house.introspect(tokens.access_token)).active, true)
    const fresh = await house.pgo.refresh(tokens.refresh_token)
    remember(`second access token ${index}`, fresh.access_token)
    remember(`second refresh token ${index}`, fresh.refresh_token)
    if (index === 1) await house.pgo.rawRefresh(tokens.refresh_token) // theft
    if (index === 2) await house.pgo.rawRedeem(journey.request, journey.answer.code) // reuse
    if (index === 3) await house.pgo.revoke(fresh.refresh_token)
  }
})

check('and flows that fail, where a message is tempted to tell what was wrong', async () => {
  const bad = { ...house.idp.behaviour }
  house.idp.behaviour = { action: 'login', person: '999990018' } // fails the eleven-test
  remember('BSN that is none', '999990018')
  await house.login('huisartsdeduinen')
  house.idp.behaviour = { action: 'login', person: '111222333' }
  house.idp.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, nonce: 'x' } })
  await house.login('huisartsdeduinen')
  house.idp.spoilIdToken = undefined
  house.idp.spoilAnswer = () => 'geen json maar wel geheim-antwoord-77'
  remember('body of a token answer', 'geheim-antwoord-77')
  await house.login('huisartsdeduinen')
  house.idp.spoilAnswer = undefined
  house.webhook.answer = () => ({ status: 200, text: 'geheim-van-het-dossier-33' })
  remember('answer of the webhook', 'geheim-van-het-dossier-33')
  await house.login('kliniekdewebhaak')
  house.webhook.answer = answers.all()
  const marker = 'merkteken-in-de-state-91'
  remember('state of a PGO', marker)
  await house.journey('huisartsdeduinen', { changes: { state: marker, response_type: 'token' } }).open()
  await house.journey('huisartsdeduinen', { changes: { state: marker, bsn: '999990019', client_id: 'evil.localhost' } }).open()
  await house.pgo.raw('/oauth/token', { code: 'merkteken-als-code-92', client_id: 'pgo.localhost' })
  remember('a code that never was', 'merkteken-als-code-92')
  await house.pgo.raw('/oauth/token?code=merkteken-in-de-query-93', { grant_type: 'x' })
  remember('a code in the query', 'merkteken-in-de-query-93')
  house.idp.behaviour = bad
})

check('no secret in the process log and on standard output', () => {
  hunt('the process log', house.sluis.log(), 'refresh_token_reused')
  hunt('standard output', readFileSync(house.sluis.outputFile))
})

check('no secret in the MedMij event log, and no query string', () => {
  const text = readFileSync(house.file('events.jsonl'), 'utf8')
  hunt('the event log', text, 'send_token_response')
  for (const line of text.split('\n').filter(Boolean)) assert.doesNotMatch(JSON.parse(line).request?.uri ?? '', /[?&]/)
})

check('no secret in the metrics', async () => hunt('the metrics', await house.metrics(), 'send_token_response'))

check('no secret in the store: codes, tokens and sessions as digests, the rest sealed', () => {
  const bytes = house.store.bytes()
  assert.ok(bytes.length > 1000)
  hunt('the store', bytes, 'pgo.localhost')
  if (isPostgres) {
    // pg_dump writes bytea as hex.
    for (const [what, text] of secrets) assert.ok(!bytes.includes(Buffer.from(text).toString('hex')), what)
  }
})

check('no BSN in an address that we made, nor on a screen', () => {
  for (const person of PEOPLE) {
    for (const line of house.sluis.log().split('\n')) assert.ok(!line.includes(person))
  }
})

check('what the tools show has no secret: consent list, audit, export, lists', async () => {
  for (const words of [['consent', 'list'], ['audit', 'list'], ['export'], ['lists', 'show']]) {
    const result = await house.sluis.run(...words, '--config', house.file('sluis.yaml'))
    hunt(`sluis ${words.join(' ')}`, result.stdout + result.stderr)
  }
})

check('the key file is for its owner only', async () => {
  const { statSync } = await import('node:fs')
  assert.equal(statSync(house.file('keys')).mode & 0o077, 0)
})

check('no other file of the installation has a secret', () => {
  const allowed = new Set(['catalogue.yaml', 'keys'])
  for (const name of readdirSync(house.folder)) {
    if (allowed.has(name) || name.startsWith('sluis.db')) continue
    hunt(name, readFileSync(path.join(house.folder, name)))
  }
})
