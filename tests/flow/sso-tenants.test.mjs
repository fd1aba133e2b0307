// An identity provider of several tenants (MET-2; spec 7.1), as Entra ID's `organizations` is: npm oidc-provider, whose
// metadata name a template for an issuer and whose tokens are of the tenant that a test says.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { after, before, describe } from 'node:test'
import { Browser, exchange } from './harness.mjs'
import { check } from './support/checks.mjs'
import { signToken, startIdentityProvider } from './support/identity-provider.mjs'
import { openProfessionals, step } from './support/professionals.mjs'
import { toYaml } from './support/yaml.mjs'

const SLUG = 'duinzicht_entra'
const OTHER = 'duinzicht_anders' // a template, and not that of the metadata
const OURS = '2b6f3c1e-7a5d-4e1b-9c8f-0d2a4b6c8e10'
const SECOND = '7c0de5a4-1b2c-4d3e-8f90-a1b2c3d4e5f6'
const STRANGER = '9188040d-6c67-4c5b-b112-36a304b66dad'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const person = (name) => ({ name, locaties: ['10'] })

let house
let provider
let template
const issuerOf = (tenant) => template.replace('{tenantid}', tenant)
const isIn = async (browser) => (await house.verify(browser)).status === 200

function connection(slug, more = {}) {
  return {
    platform: 'demo', environment: 'production', customer_key: 'duinzicht', provider_key: slug.split('_')[1], status: 'active', issuer: template,
    tenants: `${OURS} ${SECOND}`, metadata_url: `${provider.issuer}/.well-known/openid-configuration`, client_id: 'sluis-rp', client_secret: 'geheim-van-entra',
    scope: 'openid', location_claim: 'locaties', name_claim: 'name', allow_private: true, ...more,
  }
}

// A login by somebody of `tenant`; `iss` and `tid` are what the ID token says, `answered` the iss of the callback.
async function login(name, { tenant = OURS, iss = issuerOf(tenant), tid = tenant, answered, query = '' } = {}) {
  provider.behaviour = { action: 'login', person: person(name) }
  provider.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, iss, tid } })
  const { browser, location, status, text, reference } = await house.go(new Browser(), SLUG, query, (address) => house.isCallback(address))
  if (!location) return { browser, status, text, reference }
  const callback = new URL(location)
  callback.searchParams.delete('iss') // of the whole provider, which no tenant is
  if (answered) callback.searchParams.set('iss', answered)
  return house.visit(browser, callback.href)
}

// ... that must succeed, and what Sluis made of it.
async function signedIn(name, options) {
  const { browser, landing, text } = await login(name, options)
  assert.ok(landing, text)
  const { ref } = await house.newest(SLUG)
  const [user, issuer, subject, sid] = house.store.query(`SELECT user_id || ' ' || issuer || ' ' || subject || ' ' || sid FROM sso_session WHERE log_reference = '${ref}'`).trim().split(' ')
  return { browser, ref, user, issuer, subject, sid }
}

async function refused(name, code, options) {
  const { reference, text, status } = await login(name, options)
  assert.ok(reference, `${status} ${text}`)
  const entry = await house.entry(reference)
  assert.equal(entry.code, code, JSON.stringify(entry.steps))
  return entry
}

before(async () => {
  house = await openProfessionals('sso-tenants')
  provider = await startIdentityProvider({ clientId: 'sluis-rp', clientSecret: 'geheim-van-entra', redirectUri: house.startUrl(SLUG), claims: ['sub', 'locaties', 'name', 'sid'] })
  house.providers[SLUG] = provider
  template = `${provider.issuer}/{tenantid}/v2.0`
  provider.spoilMetadata = (body) => ({ ...body, issuer: template, authorization_response_iss_parameter_supported: false })
  await house.importOwn((data) => {
    data.connections.push(connection(SLUG), connection(OTHER, { issuer: template.replace('v2.0', 'v3.0') }))
    data.mappings.push({ connection: SLUG, environment: 'production', codes: [{ code: '10', group: 'Oost' }] })
  })
}, { timeout: 120000 })
after(() => house?.stop(), { timeout: 120000 })

describe('IDT-6, USR-1: whose person it is', () => {
  check('two tenants have people of their own, also with the same subject; each comes back as who they were', async () => {
    const first = await signedIn('Anna')
    const second = await signedIn('Anna', { tenant: SECOND })
    const again = await signedIn('Anna')
    assert.deepEqual([first.issuer, second.issuer, again.issuer], [issuerOf(OURS), issuerOf(SECOND), issuerOf(OURS)])
    assert.equal(first.subject, second.subject)
    assert.notEqual(first.user, second.user)
    assert.equal(first.user, again.user)
    assert.equal(house.count('sso_user', `issuer = '${issuerOf(SECOND)}' AND subject = '${second.subject}'`), 1)
    assert.equal(house.count('sso_user', `issuer = '${template}'`), 0)
    const entry = await house.entry(second.ref)
    assert.equal(step(entry, 2).data.issuer, template)
    assert.equal(step(entry, 5).data['5.3'].iss, issuerOf(SECOND))
  })

  check('505: a tenant that is not listed, a tid of another, and none at all; nobody is created', async () => {
    const [users, sessions] = [house.count('sso_user'), house.count('sso_session')]
    for (const [claims, received] of [
      [{ tenant: STRANGER }, issuerOf(STRANGER)],
      [{ tid: SECOND }, issuerOf(OURS)],
      [{ tid: undefined, iss: template }, template],
      [{ iss: issuerOf(STRANGER) }, issuerOf(STRANGER)],
      [{ iss: provider.issuer }, provider.issuer],
    ]) {
      const { fault } = step(await refused('Bas', 505, claims), 5).data
      assert.deepEqual([fault.expected, fault.received, fault.tenants], [template, received, `${OURS} ${SECOND}`])
    }
    assert.deepEqual([house.count('sso_user'), house.count('sso_session')], [users, sessions])
  })

  check('204: metadata that do not hold the template to the letter', async () => {
    const { reference } = await house.go(new Browser(), OTHER)
    const entry = await house.entry(reference)
    assert.equal(entry.code, 204)
    const { fault } = step(entry, 2).data
    assert.deepEqual([fault.expected, fault.received], [template.replace('v2.0', 'v3.0'), template])
  })
})

describe('RSP-9, INI-6: iss beside the token', () => {
  check('an answer of a tenant goes with a token of that tenant only', async () => {
    await signedIn('Cor', { answered: issuerOf(OURS) })
    await refused('Cor', 505, { answered: issuerOf(SECOND) })
    await refused('Cor', 306, { answered: issuerOf(STRANGER) })
    await refused('Cor', 306, { answered: provider.issuer })
  })

  check('a start may name a listed tenant: any other is 104', async () => {
    const start = (iss) => ({ query: `?${new URLSearchParams({ iss })}` })
    await signedIn('Dirk', start(issuerOf(SECOND)))
    for (const iss of [issuerOf(STRANGER), template, provider.issuer]) await refused('Dirk', 104, start(iss))
  })
})

describe('OUT-4, OUT-7: messages about logging out', () => {
  const logoutToken = (claims) => {
    const now = Math.floor(Date.now() / 1000)
    const payload = { aud: 'sluis-rp', iat: now, exp: now + 120, jti: randomUUID(), events: { [EVENT]: {} }, ...claims }
    return signToken({ header: { alg: 'RS256', kid: 'test-1', typ: 'logout+jwt' }, payload }, provider.privateKey)
  }
  const send = (claims) => exchange(`${house.startUrl(SLUG)}/backchannel-logout`, {
    method: 'POST', body: new URLSearchParams({ logout_token: logoutToken(claims) }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  })

  check('back-channel: of a tenant, the sessions of that tenant end; an unlisted one ends nothing', async () => {
    const [first, second] = [await signedIn('Elly'), await signedIn('Elly', { tenant: SECOND })]
    assert.equal(first.subject, second.subject)
    for (const claims of [{ iss: issuerOf(STRANGER) }, { iss: template }, { iss: issuerOf(OURS), tid: SECOND }]) {
      assert.equal((await send({ sub: first.subject, ...claims })).status, 400, JSON.stringify(claims))
    }
    assert.deepEqual([await isIn(first.browser), await isIn(second.browser)], [true, true])
    assert.equal((await send({ iss: issuerOf(SECOND), sub: second.subject })).status, 200)
    assert.deepEqual([await isIn(first.browser), await isIn(second.browser)], [true, false])
    assert.equal((await send({ iss: issuerOf(OURS), tid: OURS, sub: first.subject })).status, 200)
    assert.equal(await isIn(first.browser), false)
  })

  check('front-channel: iss is that of the tenant', async () => {
    const sid = randomUUID()
    const { browser, ref } = await signedIn('Fred')
    house.store.execute(`UPDATE sso_session SET sid = '${sid}' WHERE log_reference = '${ref}'`) // as Entra's `sid` claim would
    const frame = (iss) => new Browser().get(`${house.startUrl(SLUG)}/frontchannel-logout?${new URLSearchParams({ iss, sid })}`)
    for (const iss of [issuerOf(SECOND), issuerOf(STRANGER), template]) {
      const answer = await frame(iss)
      assert.equal(answer.status, 200)
      assert.match(answer.headers['content-security-policy'], new RegExp(`frame-ancestors ${provider.issuer}$`))
    }
    assert.equal(await isIn(browser), true)
    await frame(issuerOf(OURS))
    assert.equal(await isIn(browser), false)
  })
})

describe('MET-2: what an administrator sees', () => {
  check('import refuses a template without its list, and a list without its template; export and show hold both', async () => {
    const attempt = async (more) => {
      writeFileSync(house.file('sso-half.yaml'), toYaml({ connections: [connection(SLUG, more)] }))
      return house.sluis.run('import', house.file('sso-half.yaml'), '--config', house.file('sluis.yaml'))
    }
    for (const [more, told] of [
      [{ tenants: undefined }, /connections\[0\]\.tenants: the issuer holds \{tenantid\}, and no tenants are listed/],
      [{ issuer: provider.issuer }, /connections\[0\]\.tenants: there are tenants, and no \{tenantid\} in the issuer/],
      [{ tenants: 'organizations' }, /connections\[0\]\.tenants: the tenants are not/],
      [{ metadata_url: undefined }, /connections\[0\]\.metadata_url: is needed/],
    ]) {
      const { status, stderr, stdout } = await attempt(more)
      assert.notEqual(status, 0)
      assert.match(stderr + stdout, told)
    }
    const shown = await house.cli('sso', 'connections', 'show', SLUG, '--environment', 'production')
    for (const text of [shown, await house.cli('export')]) {
      assert.ok(text.includes(template) && text.includes(`${OURS} ${SECOND}`), text)
    }
    const { stdout } = await house.sluis.run('check', '--config', house.file('sluis.yaml'))
    assert.ok(stdout.includes(`${template}: its metadata are in order`), stdout)
  })
})
