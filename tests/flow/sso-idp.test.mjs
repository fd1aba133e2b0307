// What passes between Sluis and an identity provider, as an administrator finds it in the numbered log: against the
// hostile health record of sluis-sim, npm oidc-provider in every way that a connection can ask for, and a server with
// certificates and metadata that are wrong.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import path from 'node:path'
import { after, before, describe } from 'node:test'
import { Browser, exchange } from './harness.mjs'
import { makeCertificate, makeCertificates, readCertificate } from './support/certificates.mjs'
import { check } from './support/checks.mjs'
import { startIdentityProvider } from './support/identity-provider.mjs'
import { until } from './support/patience.mjs'
import { freePort } from './support/ports.mjs'
import { TEST, YSIS, openProfessionals, step } from './support/professionals.mjs'

const person = { name: 'Anne de Vries', locaties: ['10'] }
const CLAIMS = ['sub', 'locaties', 'name', 'amr', 'acr']
const SECOND = 'het tweede geheim +/=&:%'
const DIGEST = /^[0-9a-f]{6}$/
const DRIFT_S = 10 // that an answer may have been under way, on a busy machine

let house
const connections = [] // of this suite, as they are now
const slugOf = (key) => `duinzicht_${key}`

// A connection of our own, with an identity provider of its own unless `issuer` is given.
async function connect(key, more = {}, provider = {}) {
  const slug = slugOf(key)
  if (!more.issuer) {
    house.providers[slug] = await startIdentityProvider({
      clientId: 'sluis-rp', clientSecret: 'eerste-geheim-0815', redirectUri: house.startUrl(slug), claims: CLAIMS, ...provider,
    })
  }
  connections.push({
    platform: 'demo', environment: 'production', customer_key: 'duinzicht', provider_key: key, status: 'active',
    issuer: house.providers[slug]?.issuer, client_id: 'sluis-rp', client_secret: 'eerste-geheim-0815', scope: 'openid',
    location_claim: 'locaties', name_claim: 'name', allow_private: true, ...more,
  })
}

const importAll = () => house.importOwn((data) => {
  data.connections.push(...connections)
  data.mappings.push(...connections.map(({ provider_key: key }) => ({ connection: slugOf(key), environment: 'production', codes: [{ code: '10', group: 'Oost' }] })))
})

async function login(key, options = {}) {
  return house.enter(person, { slug: slugOf(key), ...options })
}

async function entryOf(answer) {
  assert.ok(answer.reference, `no reference: ${answer.status} ${answer.location} ${answer.text}`)
  return house.entry(answer.reference)
}

async function signedIn(key, options) {
  const answer = await login(key, options)
  assert.ok(answer.landing, `not signed in: ${answer.status} ${answer.text}`)
  return house.newest(slugOf(key))
}

async function refused(key, code, options) {
  const entry = await entryOf(await login(key, options))
  assert.equal(entry.code, code, JSON.stringify(entry.steps))
  return entry
}

const lines = (entry) => Object.fromEntries((step(entry, 5)?.lines ?? []).map(({ k, ok }) => [k, ok]))
const broken = (entry) => Object.entries(lines(entry)).filter(([, ok]) => !ok).map(([k]) => k)

before(async () => {
  house = await openProfessionals('sso-idp')
  await connect('geheimen', { second_secret: SECOND })
  await connect('sleutel', { client_auth: 'private_key_jwt', client_secret: null }, {
    clientSecret: undefined, clientAuth: 'private_key_jwt',
    client: { client_secret: undefined, jwks_uri: `${house.startUrl(slugOf('sleutel'))}/jwks`, token_endpoint_auth_signing_alg: 'RS256' },
  })
  await connect('opties', { pkce: 'off', userinfo: 'always', userinfo_post: true, claims_first: 'userinfo', trusted_audiences: 'portaal', client_auth: 'post' },
    { isPkceRequired: false, clientAuth: 'client_secret_post' })
  await connect('aanvulling', { userinfo: 'always' })
  await connect('eerst', { claims_first: 'userinfo' }) // and userinfo as it is by itself: if_needed
  await connect('streng', { max_age: 3600, required_amr: 'otp hwk' })
  await connect('later')
  await connect('leesbaar')
  await importAll()
}, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

describe('the log of a login that went well', () => {
  check('IDT-1 to IDT-20 each have a line in step 5; 5.1, 5.2, 5.3 and 5.5 say what was seen', async () => {
    const provider = house.providers[slugOf('leesbaar')]
    const entry = await signedIn('leesbaar')
    const { ok, data } = step(entry, 5)
    assert.equal(ok, true)
    assert.deepEqual(Object.keys(lines(entry)), Array.from({ length: 20 }, (_, i) => `IDT-${i + 1}`))
    assert.deepEqual(broken(entry), [])
    assert.equal(data['5.1'].host, 'idp.localhost')
    assert.equal(data['5.1'].status, 200)
    assert.ok(Number.isInteger(data['5.1'].ms))
    assert.equal(data['5.1'].auth_method, 'client_secret_basic')
    assert.equal(data['5.1'].secret, 1)
    assert.deepEqual(data['5.1'].members.sort(), ['access_token', 'expires_in', 'id_token', 'scope', 'token_type'])
    assert.deepEqual(data['5.2'], { alg: 'RS256', kid: 'test-1', typ: 'JWT' })
    assert.equal(data['5.3'].iss, provider.issuer)
    assert.equal(data['5.3'].aud, 'sluis-rp')
    assert.ok(data['5.3'].exp > data['5.3'].iat)
    for (const name of ['sub', 'nonce', 'name', 'locaties', 'at_hash']) assert.equal(data['5.3'][name], undefined, name)
    assert.deepEqual(data['5.5'].kids, ['test-1'])
    assert.equal(data['5.5'].refetched, false)
    assert.equal(data['5.6'], undefined)
  })

  check('step 2: where the metadata came from, endpoints, what the provider can do (MET-11), the clocks (MET-12)', async () => {
    const entry = await signedIn('leesbaar')
    const { data } = step(entry, 2)
    const { issuer } = house.providers[slugOf('leesbaar')]
    assert.equal(data.metadata, 'cached')
    assert.ok(data.metadata_age_s >= 0)
    assert.deepEqual(data.endpoints, { authorization: `${issuer}/auth`, token: `${issuer}/token`, jwks: `${issuer}/jwks`, userinfo: `${issuer}/me` })
    assert.equal(data.features.pkce_s256, true)
    assert.equal(data.features.response_iss, true)
    assert.equal(data.features.frontchannel_logout, false)
    assert.match(data.features.token_auth_methods, /client_secret_basic/)
    assert.ok(Math.abs(data.clock_drift_s) <= DRIFT_S)
    assert.equal(data.warning, undefined)
    assert.equal(data.client_id, 'sluis-rp')
    assert.equal(data.environment, 'production')
  })

  check('`sluis sso log show` prints the parts of a step on lines of their own, and the count of checks', async () => {
    const { ref } = await signedIn('leesbaar')
    const shown = await house.cli('sso', 'log', 'show', ref)
    assert.match(shown, /^ 5 {2}Tokens en controle .*20 van 20 controles goed$/m)
    assert.match(shown, /^ +5\.1 {2}host=idp\.localhost, ms=\d+, status=200, auth_method=client_secret_basic/m)
    assert.match(shown, /^ +5\.2 {2}alg=RS256, kid=test-1, typ=JWT$/m)
    assert.match(shown, /^ +features {2}pkce_s256=ja/m)
  })

  check('sid is told as a digest', async () => {
    const browser = await house.member('sandra')
    assert.ok((await house.press(browser)).landing)
    const data = step(await house.newest(YSIS), 5).data['5.3']
    assert.match(data.sid, DIGEST)
    assert.deepEqual(data.amr, ['pwd', 'otp'])
    assert.equal(data.acr, 'urn:simulator:epd:twee-factoren')
  })
})

// ---- what the catalogue says that the log holds (4.2 to 4.6) ----

const isNumber = (value) => Number.isInteger(value)
const isList = (value) => Array.isArray(value) && value.length > 0
const FACTS = {
  invalid_client: [402, { host: 'epd.localhost', status: 401, error: 'invalid_client', auth_method: 'client_secret_basic', secret_set_on: /^20\d\d-\d\d-\d\d$/ }, []],
  secret_expired: [403, { error_description: /AADSTS7000222/, auth_method: 'client_secret_basic', secret_set_on: /^20/ }, []],
  invalid_grant: [404, { error: 'invalid_grant', code_age_s: isNumber }, []],
  redirect_mismatch: [405, { redirect_uri: new RegExp(`/sso/openidconnect/${YSIS}$`) }, []],
  invalid_scope: [406, { error: 'invalid_scope' }, []],
  token_text: [407, { status: 200, content_type: 'text/plain', size: 10 }, []],
  id_token_missing: [408, { members: (value) => value.includes('access_token') && !value.includes('id_token') }, []],
  token_type: [409, { token_type: 'mac' }, []],
  two_parts: [501, { length: isNumber }, ['IDT-1']],
  typ: [501, { length: isNumber }, ['IDT-19']],
  kid_number: [501, { length: isNumber }, ['IDT-20']],
  exp_text: [501, { length: isNumber }, ['IDT-9', 'IDT-20']],
  exp_huge: [501, { length: isNumber }, ['IDT-9', 'IDT-20']],
  encrypted: [517, { alg: 'RSA-OAEP', enc: 'A256GCM' }, ['IDT-1']],
  alg_none: [502, { alg: 'none', allowed: 'RS256' }, ['IDT-2']],
  alg_hs256: [502, { alg: 'HS256', allowed: 'RS256' }, ['IDT-2']],
  crit: [502, { header_holds: 'crit' }, ['IDT-3']],
  jwk: [502, { header_holds: 'jwk', alg: 'RS256' }, ['IDT-3', 'IDT-4']],
  kid: [503, { kid: 'onbekend', known_kids: isList, refetched: (value) => typeof value === 'boolean' }, ['IDT-4']],
  signature: [504, { alg: 'RS256', kid: /./ }, ['IDT-5']],
  issuer: [505, { received: 'https://epd.example', expected: /epd\.localhost/ }, ['IDT-6']],
  aud: [506, { client_id: 'sluis-productie', aud: 'andere-toepassing' }, ['IDT-7']],
  aud_more: [506, { aud: (value) => value.length === 2 }, ['IDT-7']],
  azp: [507, { azp: 'andere-toepassing' }, ['IDT-8']],
  expired: [508, { exp: isNumber, now: isNumber, skew_s: 60, clock_drift_s: isNumber, advice: /klok/ }, ['IDT-9']],
  iat_ahead_90: [509, { iat: isNumber, now: isNumber, clock_drift_s: isNumber, advice: /klok/ }, ['IDT-10']],
  nbf: [510, { nbf: isNumber, now: isNumber, advice: /klok/ }, ['IDT-11']],
  nonce: [511, { present: true, received: DIGEST, expected: DIGEST }, ['IDT-13']],
  nonce_missing: [511, { present: false, expected: DIGEST }, ['IDT-13']],
  at_hash: [513, { alg: 'RS256' }, ['IDT-16']],
  sub_missing: [514, { type: 'absent' }, ['IDT-15']],
  sub_number: [514, { type: 'integer' }, ['IDT-15']],
  exp_missing: [518, { claim: 'exp' }, ['IDT-9']],
  iat_missing: [518, { claim: 'iat' }, ['IDT-10']],
  userinfo_error: [602, { status: 401, error: 'invalid_token' }, []],
  userinfo_array: [603, { content_type: 'application/json' }, []],
  userinfo_jwt: [603, { content_type: 'application/jwt' }, []],
  userinfo_sub: [604, { expected: DIGEST, received: DIGEST }, []],
}

function assertFacts(found, expected) {
  for (const [name, value] of Object.entries(expected)) {
    const seen = found[name]
    const told = `${name}: ${JSON.stringify(seen)} in ${JSON.stringify(found)}`
    if (typeof value === 'function') assert.ok(value(seen), told)
    else if (value instanceof RegExp) assert.match(String(seen), value, told)
    else assert.deepEqual(seen, value, told)
  }
}

describe('C14, C15: the log holds what the catalogue says, and names the broken rules', () => {
  for (const [fault, [code, facts, rules]] of Object.entries(FACTS)) {
    check(`${fault}: ${code}${rules.length ? `, ${rules.join(' and ')}` : ''}`, async () => {
      const browser = await house.member('sandra', { fault, shape: fault.startsWith('userinfo') ? 'userinfo' : '' })
      const entry = await entryOf(await house.press(browser))
      const { ok, data } = step(entry, 5)
      assert.equal(entry.code, code)
      assert.equal(ok, false)
      assert.equal(data.fault.code, code)
      assertFacts(data.fault, facts)
      assert.deepEqual(broken(entry), rules)
    })
  }

  for (const [fault, code, facts] of [
    ['access_denied', 310, { error: 'access_denied', error_description: 'Nagebootst door de simulator' }],
    ['invalid_request', 313, { error: 'invalid_request', redirect_uri: new RegExp(`/${YSIS}$`) }],
    ['iss', 306, { iss: 'https://epd.example', expected: /epd\.localhost/ }],
    ['iss_missing', 307, { parameters: (value) => value.includes('code') && !value.includes('iss') }],
  ]) {
    check(`RSP-9, RSP-10: step 4 of ${fault}`, async () => {
      const browser = await house.member('sandra', { fault })
      const entry = await entryOf(await house.press(browser))
      assert.equal(entry.code, code)
      assert.equal(step(entry, 4).ok, false)
      assertFacts(step(entry, 4).data, facts)
    })
  }

  check('a description of the provider is scanned: neither a token nor a BSN reaches the log', async () => {
    const provider = house.providers[slugOf('leesbaar')]
    const secret = 'Zm9vYmFyYmF6cXV4Zm9vYmFy'
    provider.spoilAnswer = (body, ctx) => {
      ctx.status = 400
      return { error: 'invalid_request', error_description: `code ${secret} van 999990019 deugt niet` }
    }
    const entry = await refused('leesbaar', 406)
    provider.spoilAnswer = undefined
    const { error_description: told } = step(entry, 5).data.fault
    assert.match(told, /^code \[.\] van \[.\] deugt niet$/u)
    assert.ok(!house.sluis.log().includes(secret))
  })
})

describe('C19: two active secrets', () => {
  check('the old, then both, then the new one only: no login fails, and each change costs one call', async () => {
    const provider = house.providers[slugOf('geheimen')]
    const secretOf = async () => step(await signedIn('geheimen'), 5).data['5.1']
    provider.secrets = ['eerste-geheim-0815']
    assert.deepEqual([(await secretOf()).secret, provider.tokenCalls], [1, 1])
    provider.secrets = ['eerste-geheim-0815', SECOND]
    assert.equal((await secretOf()).secret, 1)
    provider.secrets = [SECOND]
    const before = provider.tokenCalls
    const switched = await secretOf()
    assert.deepEqual([switched.secret, switched.other_secret_refused], [2, true])
    assert.equal(provider.tokenCalls - before, 2)
    const next = await secretOf()
    assert.deepEqual([next.secret, next.other_secret_refused], [2, undefined])
    assert.equal(provider.tokenCalls - before, 3)
  })

  check('ten logins at the moment of the change all succeed', async () => {
    const provider = house.providers[slugOf('geheimen')]
    provider.secrets = ['eerste-geheim-0815']
    provider.behaviour = { action: 'login', person }
    const waiting = await Promise.all(Array.from({ length: 10 }, () => house.go(new Browser(), slugOf('geheimen'), '', (location) => house.isCallback(location))))
    const landings = await Promise.all(waiting.map(({ browser, location }) => house.visit(browser, location)))
    for (const { landing, text } of landings) assert.ok(landing, text)
  })

  check('neither is taken: 402, and the code is offered twice at most', async () => {
    const provider = house.providers[slugOf('geheimen')]
    provider.secrets = ['iets anders']
    const before = provider.tokenCalls
    const entry = await refused('geheimen', 402)
    assert.equal(provider.tokenCalls - before, 2)
    assert.equal(step(entry, 5).data['5.1'].other_secret_refused, true)
    provider.secrets = undefined
  })
})

describe('what a connection may ask for', () => {
  check('TOK-2: private_key_jwt, with the key that stands behind the start URL', async () => {
    const entry = await signedIn('sleutel')
    const call = step(entry, 5).data['5.1']
    assert.equal(call.auth_method, 'private_key_jwt')
    assert.equal(call.secret, undefined)
    const keys = JSON.parse((await exchange(`${house.startUrl(slugOf('sleutel'))}/jwks`)).text).keys
    assert.ok(keys.length > 0 && keys.every((key) => key.d === undefined))
  })

  check('REQ-4: without PKCE there is no challenge, and the nonce still binds', async () => {
    const provider = house.providers[slugOf('opties')]
    const entry = await signedIn('opties')
    assert.equal(provider.seen.at(-1).code_challenge, undefined)
    assert.ok(provider.seen.at(-1).nonce)
    assert.equal(step(entry, 2).data.pkce, 'off')
    assert.equal(step(entry, 3).data.pkce, 'off')
    provider.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, nonce: undefined } })
    await refused('opties', 511)
    provider.spoilIdToken = undefined
  })

  check('REQ-4: `sluis check` warns of a connection without PKCE', async () => {
    const { stdout } = await house.sluis.run('check', '--quiet', '--config', house.file('sluis.yaml'))
    assert.match(stdout, new RegExp(`^warning +connection ${slugOf('opties')} \\(production\\): PKCE is off`, 'm'))
    assert.doesNotMatch(stdout, new RegExp(`connection ${slugOf('leesbaar')} `))
  })

  check('REQ-4: so does `sluis import`; a connection with private_key_jwt is complete without a secret', async () => {
    const told = await house.cli('import', house.file('sso-own.yaml'))
    assert.match(told, new RegExp(`^without PKCE connection ${slugOf('opties')} `, 'm'))
    assert.doesNotMatch(told, /incomplete connection/)
  })

  check('UIN-1, UIN-6: userinfo by POST, and its claims count first; 5.6 tells of it', async () => {
    const provider = house.providers[slugOf('opties')]
    provider.spoilUserinfo = (body) => ({ ...body, locaties: ['10', 'uit-userinfo'], amr: ['verzonnen'] })
    const entry = await signedIn('opties')
    provider.spoilUserinfo = undefined
    assert.equal(provider.userinfoMethods.at(-1), 'POST')
    assert.deepEqual(step(entry, 6).ids, ['10', 'uit-userinfo'])
    const told = step(entry, 5).data['5.6']
    assert.deepEqual([told.status, told.result, told.sub_equal], [200, 'ok', true])
    assert.ok(told.members.includes('locaties'))
    assert.equal(step(entry, 5).data['5.3'].amr, undefined)
  })

  check('UIN-6: userinfo that counts first is fetched though the ID token has the locations, and must come', async () => {
    const provider = house.providers[slugOf('eerst')]
    provider.spoilUserinfo = (body) => ({ ...body, locaties: ['10', 'uit-userinfo'] })
    const entry = await signedIn('eerst')
    assert.deepEqual(step(entry, 6).ids, ['10', 'uit-userinfo'])
    assert.equal(step(entry, 6).data.source, 'userinfo', JSON.stringify(step(entry, 6)))
    provider.spoilUserinfo = (body, ctx) => {
      ctx.status = 500
      return body
    }
    await refused('eerst', 602)
    provider.spoilUserinfo = undefined
  })

  const ofAnother = (body) => ({ ...body, sub: 'een-ander', locaties: ['uit-userinfo'] })

  check('UIN-2, UIN-5: userinfo that is of somebody else is not used, and a warning where nothing depends on it', async () => {
    const provider = house.providers[slugOf('aanvulling')]
    provider.spoilUserinfo = ofAnother
    const entry = await signedIn('aanvulling')
    provider.spoilUserinfo = undefined
    assert.deepEqual(step(entry, 6).ids, ['10'])
    assert.equal(step(entry, 5).data['5.6'].result, 'userinfo_sub')
    assert.equal(step(entry, 5).data['5.6'].sub_equal, false)
  })

  check('UIN-5: with userinfo first the locations of the ID token are not used in its place: 604', async () => {
    const provider = house.providers[slugOf('opties')]
    provider.spoilUserinfo = ofAnother
    const entry = await refused('opties', 604)
    provider.spoilUserinfo = undefined
    assert.equal(step(entry, 5).data['5.6'].sub_equal, false)
    assert.equal(step(entry, 6).reached, false)
  })

  check('UIN-1: nobody answers for userinfo: 601 where the locations must come from there', async () => {
    const provider = house.providers[slugOf('opties')]
    provider.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, locaties: undefined } })
    provider.spoilUserinfo = (body, ctx) => {
      ctx.req.socket.destroy()
      return body
    }
    const entry = await refused('opties', 601)
    provider.spoilIdToken = provider.spoilUserinfo = undefined
    assert.equal(step(entry, 5).data.fault.phase, 'answer')
  })

  check('IDT-7: an audience that is trusted may stand beside us, another may not', async () => {
    const provider = house.providers[slugOf('opties')]
    const withAudience = (aud) => {
      provider.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, aud } })
    }
    withAudience(['sluis-rp', 'portaal'])
    const entry = await signedIn('opties')
    assert.match(step(entry, 5).data['5.3'].remark, /azp ontbreekt/)
    withAudience(['sluis-rp', 'ander'])
    await refused('opties', 506)
    withAudience(['portaal'])
    await refused('opties', 506)
    provider.spoilIdToken = undefined
  })

  check('IDT-18: amr must hold one of the required methods, as a list or a text: else 515', async () => {
    const provider = house.providers[slugOf('streng')]
    const withAmr = (amr) => {
      provider.spoilIdToken = ({ header, payload }) => ({ header, payload: { ...payload, amr } })
    }
    for (const amr of [['pwd', 'otp'], 'hwk']) {
      withAmr(amr)
      await signedIn('streng')
    }
    withAmr(['pwd'])
    const entry = await refused('streng', 515)
    assert.deepEqual(step(entry, 5).data.fault, { code: 515, amr: ['pwd'], required_amr: 'otp hwk' })
    assert.deepEqual(broken(entry), ['IDT-18'])
    withAmr(undefined)
    await refused('streng', 515)
    provider.spoilIdToken = undefined
  })

  check('IDT-17: with max_age a login that is too old, or of which no time is told, is 516', async () => {
    const provider = house.providers[slugOf('streng')]
    for (const shift of [-86400, undefined]) {
      provider.spoilIdToken = ({ header, payload }) => ({
        header, payload: { ...payload, amr: ['otp'], auth_time: shift && payload.auth_time + shift },
      })
      const entry = await refused('streng', 516)
      assert.equal(provider.seen.at(-1).max_age, '3600')
      assert.equal(step(entry, 5).data.fault.max_age_s, 3600)
      assert.deepEqual(broken(entry), ['IDT-17'])
    }
    provider.spoilIdToken = undefined
  })
})

describe('clocks', () => {
  check('C20, MET-12: 45 s apart logs in with a warning in the log, 90 s is 509 with the drift and the advice', async () => {
    const late = await house.shifted(-45, () => signedIn('later')) // the first login there, so its newest
    for (const number of [2, 5]) {
      assert.ok(Math.abs(step(late, number).data.clock_drift_s - 45) <= DRIFT_S, JSON.stringify(step(late, number)))
      assert.match(step(late, number).data.warning, /^912 Klokafwijking/)
    }
    const entry = await house.shifted(-90, () => refused('leesbaar', 509))
    const { fault } = step(entry, 5).data
    assert.ok(Math.abs(fault.clock_drift_s - 90) <= DRIFT_S, JSON.stringify(fault))
    assert.match(await house.cli('sso', 'log', 'show', entry.ref), /controleer de klok/)
  })
})

describe('C17, MET-5: an identity provider that is away', () => {
  check('the server starts without it, logins are 201 with phase and time, and succeed once it is back, without a restart', async () => {
    const provider = house.providers[slugOf('later')]
    await provider.stop()
    await house.sluis.stop()
    await house.start()
    const ready = await exchange(`${house.internalUrl}/readyz`)
    assert.equal(ready.status, 200)
    const entry = await refused('later', 201)
    const { ok, data } = step(entry, 2)
    assert.equal(ok, false)
    assert.deepEqual([data.metadata, data.fault.document, data.fault.phase, data.fault.timeout, data.fault.host], ['none', 'metadata', 'connect', false, 'idp.localhost'])
    assert.ok(isNumber(data.fault.ms))
    await provider.resume()
    // Not asked again for three seconds after the first failure.
    await until('a login', async () => (await login('later')).landing)
    assert.equal(step(await house.newest(slugOf('later')), 2).data.metadata, 'fetched')
  })
})

// ---- servers that are wrong ----

describe('MET-8, MET-9, MET-10: metadata that cannot be had or used', () => {
  const servers = []
  const calls = []
  let folder
  let port

  async function serve(certificate, answer) {
    const own = await freePort()
    const server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      calls.push(request.url)
      answer(request, response, `https://localhost:${own}`)
    })
    await new Promise((resolve) => server.listen(own, '127.0.0.1', resolve))
    servers.push(server)
    return own
  }

  const metadataOf = (issuer, changes = {}) => ({
    issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, userinfo_endpoint: `${issuer}/me`, ...changes,
  })

  // One server, an issuer per path.
  function answerByPath(request, response, origin) {
    const [, name] = request.url.split('/')
    const issuer = `${origin}/${name}`
    const json = (body) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (name === 'naam') return json(metadataOf('https://ander.example'))
    if (name === 'gat') return json(metadataOf(issuer, { token_endpoint: undefined }))
    if (name === 'geencode') return json(metadataOf(issuer, { response_types_supported: ['id_token'] }))
    if (name === 'tekst') return response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>onderhoud</html>')
    if (name === 'groot') return json(metadataOf(issuer, { x: 'a'.repeat(300000) }))
    if (name === 'weg') return response.writeHead(404).end()
    if (name === 'omleiding' && request.url.includes('.well-known')) return response.writeHead(302, { Location: '/omleiding/1' }).end()
    if (name === 'omleiding' && request.url.startsWith('/omleiding/1')) return response.writeHead(302, { Location: '/omleiding/2' }).end()
    if (name === 'omleiding') return json(metadataOf(issuer))
    if (name === 'elders') return response.writeHead(302, { Location: `https://127.0.0.1:${port}/naam` }).end()
    return response.writeHead(500).end()
  }

  const WRONG = {
    naam: [204, { expected: /\/naam$/, received: 'https://ander.example' }],
    gat: [205, { member: 'token_endpoint' }],
    geencode: [205, { member: 'response_types_supported' }],
    tekst: [203, { status: 200, content_type: 'text/html', size: 22 }],
    groot: [203, { host: 'localhost' }],
    weg: [203, { status: 404 }],
    elders: [203, { status: 302 }],
    stuk: [201, { status: 500 }],
  }

  before(async () => {
    folder = house.folder
    makeCertificates(folder)
    const certificates = {
      goed: makeCertificate(folder, 'idp', ['DNS:localhost']),
      naamloos: makeCertificate(folder, 'anders', ['DNS:ergens.anders.example']),
      vreemd: makeCertificate(folder, 'vreemd', ['DNS:localhost'], 'stranger-ca'),
    }
    execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'oud.key', '-out', 'oud.csr',
      '-subj', '/CN=oud', '-addext', 'subjectAltName=DNS:localhost'], { cwd: folder, stdio: 'pipe' })
    execFileSync('openssl', ['x509', '-req', '-in', 'oud.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '0', '-copy_extensions', 'copy', '-out', 'oud.crt'], { cwd: folder, stdio: 'pipe' })
    certificates.oud = readCertificate(folder, 'oud')
    port = await serve(certificates.goed, answerByPath)
    const ca = { ca_file: path.join(folder, 'ca.crt') }
    for (const name of [...Object.keys(WRONG), 'omleiding']) await connect(name, { issuer: `https://localhost:${port}/${name}`, ...ca })
    for (const name of ['naamloos', 'vreemd', 'oud']) {
      const own = await serve(certificates[name], (request, response, origin) => {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(metadataOf(origin)))
      })
      await connect(name, { issuer: `https://localhost:${own}`, ...ca })
    }
    await connect('dns', { issuer: 'https://bestaat-niet.invalid' })
    await connect('prive', { issuer: `https://127.0.0.1:${port}/naam`, ...ca, allow_private: false })
    await importAll()
  }, { timeout: 240000 })
  after(() => servers.forEach((server) => server.close() && server.closeAllConnections()))

  for (const [name, [code, facts]] of Object.entries(WRONG)) {
    check(`${name}: ${code}`, async () => {
      const entry = await entryOf(await house.go(new Browser(), slugOf(name)))
      assert.equal(entry.code, code, JSON.stringify(step(entry, 2)))
      assert.equal(step(entry, 2).ok, false)
      assertFacts(step(entry, 2).data.fault, { document: 'metadata', ...facts })
    })
  }

  check('two redirects on the same host are followed (MET-9)', async () => {
    const answer = await house.go(new Browser(), slugOf('omleiding'), '', (location) => location.includes('/auth?'))
    assert.ok(answer.location, answer.text)
    assert.match(answer.location, new RegExp(`^https://localhost:${port}/omleiding/auth\\?`))
  })

  for (const [name, facts] of Object.entries({
    vreemd: { certificate_subject: 'CN=vreemd', certificate_issuer: 'CN=Test authority stranger-ca' },
    naamloos: { certificate_subject: 'CN=anders', certificate_issuer: 'CN=Test authority ca' },
    oud: { certificate_subject: 'CN=oud', certificate_not_after: /^20\d\d-\d\d-\d\dT/ },
  })) {
    check(`202: a certificate that is ${name}: subject, issuer and end are told`, async () => {
      const before = calls.length
      const entry = await entryOf(await house.go(new Browser(), slugOf(name)))
      assert.equal(entry.code, 202, JSON.stringify(step(entry, 2)))
      assertFacts(step(entry, 2).data.fault, { phase: 'tls', host: 'localhost', certificate_not_after: /^20\d\d-/, ...facts })
      assert.equal(calls.length, before)
    })
  }

  check('201: a name that does not exist is told apart: dns', async () => {
    const entry = await entryOf(await house.go(new Browser(), slugOf('dns')))
    assert.equal(entry.code, 201)
    assert.equal(step(entry, 2).data.fault.phase, 'dns')
  })

  check('MET-9: a private address is not called unless the connection allows it', async () => {
    const before = calls.length
    const entry = await entryOf(await house.go(new Browser(), slugOf('prive')))
    assert.equal(entry.code, 201)
    assert.equal(step(entry, 2).data.fault.phase, 'none')
    assert.equal(calls.length, before)
  })
})

describe('MET-7, MET-9: keys and redirects later on', () => {
  check('206: keys that cannot be had are step 5, with what became of the call', async () => {
    const provider = house.providers[slugOf('leesbaar')]
    await house.sluis.stop()
    await house.start()
    provider.spoilMetadata = (body) => ({ ...body, jwks_uri: `http://idp.localhost:${house.ports.nobody ?? 1}/jwks` })
    const entry = await refused('leesbaar', 206)
    provider.spoilMetadata = undefined
    assert.equal(step(entry, 4).ok, true)
    assertFacts(step(entry, 5).data.fault, { document: 'jwks', phase: 'connect' })
  })

  check('a token answer that is a redirect is not followed: 407', async () => {
    const provider = house.providers[TEST]
    let followed = 0
    provider.spoilAnswer = (body, ctx) => {
      followed++
      ctx.status = 307
      ctx.set('Location', `${provider.issuer}/token`)
      return 'elders'
    }
    const entry = await entryOf(await house.enter(person, { slug: TEST }))
    provider.spoilAnswer = undefined
    assert.equal(entry.code, 407)
    assert.equal(followed, 1)
    assert.equal(step(entry, 5).data.fault.status, 307)
  })
})
