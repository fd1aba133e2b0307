// Sluis as OpenID provider to applications of its own (npm openid-client, with discovery and validation as it comes), and
// the hand-over's signed form. The person logs in at an identity provider that somebody else wrote.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe } from 'node:test'
import * as jose from 'jose'
import * as client from 'openid-client'
import { Browser, exchange, links } from './harness.mjs'
import { assertAbsent, check } from './support/checks.mjs'
import { eventually } from './support/patience.mjs'
import { POST, TEST, openProfessionals, step } from './support/professionals.mjs'

const SECRET = 'geheim +/=&:% van-de-apotheek' // every character that clients are known to break on
const MANY = Array.from({ length: 600 }, (_, i) => `afdeling-${i}`) // as locations more than fits into an address
const PERSON = { name: 'Anne de Vries', email: 'anne@duinzicht.example', locaties: ['10', '20'] }

let house, issuer, callback, second, apotheek, mobiel
before(async () => {
  house = await openProfessionals('sso-provider')
  issuer = `${house.frontUrl}/sso/oidc`
  callback = house.at('app', '/openid')
  second = house.at('app', '/tweede?van=sluis') // openid-client sends none with a query of its own
  await house.importOwn((data) => {
    Object.assign(data.connections.find(({ provider_key }) => provider_key === 'post'), { handover: 'openid', application: house.at('app', '/begin') })
    data.mappings.find(({ connection }) => connection === TEST).codes.push(...MANY.map((code) => ({ code, group: 'Oost' })))
    const application = (more) => ({ platform: 'demo', environment: 'production', customer_key: 'duinzicht', ...more })
    data.applications = [
      application({ client_id: 'apotheek', connections: TEST, redirect_uris: `${callback} ${second}`, post_logout_redirect_uris: house.at('app', '/uit'), client_secret: SECRET }),
      application({ client_id: 'mobiel', redirect_uris: house.at('app', '/mobiel'), client_auth: 'none' }),
      application({ client_id: 'dicht', redirect_uris: callback, client_auth: 'none', status: 'disabled' }),
    ]
  })
  const options = { execute: [client.allowInsecureRequests] }
  apotheek = await client.discovery(new URL(issuer), 'apotheek', {}, client.ClientSecretBasic(SECRET), options)
  mobiel = await client.discovery(new URL(issuer), 'mobiel', {}, client.None(), options)
}, { timeout: 240000 })
after(() => house?.stop(), { timeout: 240000 })

const nowS = () => Math.floor(Date.now() / 1000)

// With an identity provider that says that the person logged in then; undefined = that does not say.
async function loggedInAt(time, run) {
  house.providers[TEST].spoilIdToken = ({ header, payload: { auth_time, ...payload } }) => ({ header, payload: { ...payload, ...(time && { auth_time: time() }) } })
  try {
    return await run()
  } finally {
    house.providers[TEST].spoilIdToken = undefined
  }
}
const lastAsked = () => house.providers[TEST].seen.at(-1)

// What an application sends the browser away with.
async function request(config = apotheek, parameters = {}) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: config === mobiel ? house.at('app', '/mobiel') : callback, scope: 'openid profile email', state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
  })
  return { config, verifier, state, nonce, url }
}

async function open(asked, { browser = new Browser(), person = PERSON, slug = TEST } = {}) {
  house.providers[slug].behaviour = { action: 'login', person }
  const visit = await house.visit(browser, asked.url.href)
  return { ...asked, ...visit, parameters: visit.location && Object.fromEntries(new URL(visit.location).searchParams) }
}

async function getCode(config, parameters, options) {
  const opened = await open(await request(config, parameters), options)
  assert.ok(opened.parameters?.code, `no code: ${opened.status} ${opened.location} ${opened.text}`)
  return opened
}

const redeem = ({ config, location, verifier, state, nonce }) => client.authorizationCodeGrant(config, new URL(location), {
  pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true })

async function signIn(config, parameters, options) {
  const opened = await getCode(config, parameters, options)
  const tokens = await redeem(opened)
  return { ...opened, tokens, claims: tokens.claims() }
}

async function call(fields, headers = {}, body = new URLSearchParams(fields).toString()) {
  const answer = await exchange(`${issuer}/token`, { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } })
  return { ...answer, json: JSON.parse(answer.text) }
}

const tokenFields = ({ parameters, verifier }, more = {}) => ({
  grant_type: 'authorization_code', code: parameters.code, redirect_uri: callback, code_verifier: verifier, client_id: 'apotheek', client_secret: SECRET, ...more })

async function assertRefused(fields, error, status = 400, headers) {
  const answer = await call(fields, headers)
  assert.equal(`${answer.status} ${answer.json.error}`, `${status} ${error}`, answer.text)
  assert.match(answer.headers['cache-control'], /no-store/)
  return answer
}

// Everybody who logs in at the identity provider is somebody new to it.
const newestUser = () => JSON.parse(house.sluis.log().split('\n').findLast((line) => line.includes('"oidc_code_issued"'))).user

const userinfo = (token, method = 'GET') => exchange(`${issuer}/userinfo`, { method, headers: token ? { Authorization: `Bearer ${token}` } : {} })
const jwks = async () => JSON.parse((await exchange(`${issuer}/jwks`)).text)

describe('code flow', () => {
  check('the metadata are what discovery asks for, with the issuer of the host table', async () => {
    const metadata = apotheek.serverMetadata()
    assert.equal(metadata.issuer, issuer)
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256'])
    assert.equal(metadata.authorization_response_iss_parameter_supported, true)
    const elsewhere = await exchange(`${issuer}/.well-known/openid-configuration`, { headers: { Host: 'evil.example' } })
    assert.equal(elsewhere.status, 404)
    assert.doesNotMatch(elsewhere.text, /evil/)
  })

  check('a confidential application gets who it is, what they may do, and no patient', async () => {
    const before = nowS() - 2
    const { tokens, claims, parameters } = await signIn()
    assert.equal(parameters.iss, issuer)
    assert.equal(claims.iss, issuer)
    assert.equal(claims.aud, 'apotheek')
    assert.equal(claims.name, 'Anne de Vries')
    assert.equal(claims.email, 'anne@duinzicht.example')
    assert.deepEqual(claims.permissions, ['order.write@oost', 'order.write@west', 'status.read@oost', 'status.read@west'])
    assert.deepEqual(claims.locations, ['10', '20'])
    assert.deepEqual(claims.groups, ['Oost', 'Oost en West'])
    assert.equal(claims.connection, TEST)
    assert.equal(claims.environment, 'production')
    assert.equal(claims.landing, '/')
    assert.ok(claims.iat >= before && claims.exp - claims.iat === 300)
    assert.equal(claims.at_hash, createHash('sha256').update(tokens.access_token).digest().subarray(0, 16).toString('base64url'))
    assert.equal(claims.sub, newestUser())
    assert.ok(!('patient' in claims))
    assert.equal(tokens.refresh_token, undefined)
    assert.equal(tokens.expires_in, 300)
    const info = await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)
    assert.deepEqual(info.permissions, claims.permissions)
    assert.equal(info.email, claims.email)
  })

  check('scope openid alone tells neither name nor mail address', async () => {
    const { claims, tokens } = await signIn(apotheek, { scope: 'openid' })
    assert.ok(!('name' in claims) && !('email' in claims))
    assert.equal(tokens.scope, 'openid')
  })

  check('a live session goes straight to the code; sid is its own and no digest', async () => {
    const first = await signIn()
    const logins = house.providers[TEST].logins
    const second = await signIn(apotheek, {}, { browser: first.browser })
    assert.equal(house.providers[TEST].logins, logins)
    assert.equal(second.claims.sid, first.claims.sid)
    const other = await signIn()
    assert.notEqual(other.claims.sid, first.claims.sid)
    const cookie = [...first.browser.cookies(house.frontUrl)].find(([name]) => name.endsWith('sluis_s'))[1]
    assert.notEqual(first.claims.sid, createHash('sha256').update(cookie).digest('base64url'))
  })

  check('a public application has PKCE alone, and says which of its connections', async () => {
    const unclear = await open(await request(mobiel))
    assert.equal(unclear.parameters.error, 'invalid_request')
    assert.match(unclear.parameters.error_description, /connection=/)
    const { claims } = await signIn(mobiel, { connection: TEST })
    assert.equal(claims.aud, 'mobiel')
    const strange = await open(await request(mobiel, { connection: 'zonnestraaltjes_ysis' }))
    assert.equal(strange.parameters.error, 'invalid_request')
  })

  check('client_secret_post works as well; a POST to authorize is as good as a GET', async () => {
    const asked = await request()
    house.providers[TEST].behaviour = { action: 'login', person: PERSON }
    const browser = new Browser()
    const answer = await browser.follow(await browser.post(`${issuer}/authorize`, asked.url.search.slice(1)), (location) => house.isLanding(location))
    const answered = await call(tokenFields({ ...asked, parameters: Object.fromEntries(new URL(answer.location).searchParams) }))
    assert.equal(answered.status, 200, answered.text)
    assert.equal(answered.json.token_type, 'Bearer')
  })

  check('a redirect_uri with a query keeps it', async () => {
    const opened = await getCode(apotheek, { redirect_uri: second })
    assert.equal(opened.parameters.van, 'sluis')
    assert.equal((await call(tokenFields(opened, { redirect_uri: second }))).status, 200)
  })

  check('the hand-over openid sends the browser to the application with iss, which then gets its code at once', async () => {
    const login = await house.enter(PERSON, { slug: POST })
    const url = new URL(login.location)
    assert.equal(url.pathname, '/begin')
    assert.equal(url.searchParams.get('iss'), issuer)
    assert.equal(url.searchParams.get('code'), null)
    const { claims } = await signIn(mobiel, {}, { browser: login.browser, slug: POST })
    assert.equal(claims.connection, POST)
  })
})

describe('requests that are refused', () => {
  const parametersOf = async (change) => {
    const asked = await request()
    change(asked.url.searchParams)
    return asked
  }

  for (const [what, change] of [
    ['an unknown client', (query) => query.set('client_id', 'niemand')],
    ['a disabled client', (query) => query.set('client_id', 'dicht')],
    ['another redirect_uri', (query) => query.set('redirect_uri', 'https://evil.example/')],
    ['a redirect_uri that only starts alike', (query) => query.set('redirect_uri', `${callback}?x=1`)],
    ['no redirect_uri', (query) => query.delete('redirect_uri')],
    ['two redirect_uris', (query) => query.append('redirect_uri', callback)],
    ['two client_ids', (query) => query.append('client_id', 'apotheek')],
  ])
    check(`${what} is a page, and no redirect`, async () => {
      const answer = await open(await parametersOf(change))
      assert.equal(answer.status, 400)
      assert.equal(answer.location, undefined)
      assert.match(answer.text, /Inloggen is niet gelukt/)
      assert.ok(answer.reference)
      assert.match(house.sluis.log(), new RegExp(`oidc_request_distrusted.*${answer.reference}`))
    })

  for (const [what, error, change] of [
    ['no PKCE', 'invalid_request', (query) => query.delete('code_challenge')],
    ['PKCE plain', 'invalid_request', (query) => query.set('code_challenge_method', 'plain')],
    ['no PKCE method', 'invalid_request', (query) => query.delete('code_challenge_method')],
    ['another response type', 'unsupported_response_type', (query) => query.set('response_type', 'id_token')],
    ['another response mode', 'invalid_request', (query) => query.set('response_mode', 'fragment')],
    ['no openid in the scope', 'invalid_scope', (query) => query.set('scope', 'profile')],
    ['a nonce twice', 'invalid_request', (query) => query.append('nonce', 'b')],
    ['a request object', 'request_not_supported', (query) => query.set('request', 'a.b.c')],
    ['prompt none and login', 'invalid_request', (query) => query.set('prompt', 'none login')],
    ['a max_age that is no number', 'invalid_request', (query) => query.set('max_age', '-1')],
    ['prompt none without a session', 'login_required', (query) => query.set('prompt', 'none')],
    ['a hint that is not ours', 'invalid_request', (query) => { query.set('id_token_hint', 'a.b.c'); query.set('session', 'yes') }],
  ])
    check(`${what} is told to the application: ${error}`, async () => {
      const asked = await parametersOf(change)
      const options = asked.url.searchParams.get('session') ? { browser: (await getCode()).browser } : {}
      const { parameters, state } = await open(asked, options)
      assert.equal(parameters.error, error)
      assert.equal(parameters.state, state)
      assert.equal(parameters.iss, issuer)
      assert.equal(parameters.code, undefined)
    })

  check('a state twice is refused without any state', async () => {
    const { parameters } = await open(await parametersOf((query) => query.append('state', 'b')))
    assert.equal(parameters.error, 'invalid_request')
    assert.equal(parameters.state, undefined)
  })

  check('an image or a script starts no login', async () => {
    const { url } = await request()
    const flows = house.count('flow')
    const answer = await exchange(url.href, { headers: { Accept: 'image/*', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' } })
    assert.equal(answer.status, 401)
    assert.equal(house.count('flow'), flows)
  })
})

describe('prompt and max_age', () => {
  check('prompt none with a session gives a code, and with prompt login one logs in anew', async () => {
    const { browser } = await signIn()
    const quiet = await signIn(apotheek, { prompt: 'none' }, { browser })
    assert.ok(quiet.claims.sub)
    assert.deepEqual([lastAsked().prompt, lastAsked().max_age], [undefined, undefined])
    const before = nowS() - 2
    for (const wish of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '0' }]) {
      const logins = house.providers[TEST].logins
      const { claims } = await signIn(apotheek, wish, { browser })
      assert.equal(house.providers[TEST].logins, logins + 1, JSON.stringify(wish))
      assert.deepEqual([lastAsked().prompt, lastAsked().max_age], ['login', '0'])
      assert.ok(claims.auth_time >= before, String(claims.auth_time))
    }
    const silent = await open(await request(apotheek, { max_age: '0', prompt: 'none' }), { browser })
    assert.equal(silent.parameters.error, 'login_required')
  })

  check('auth_time is when the identity provider says that the person logged in, in ID token and userinfo', async () => {
    const then = nowS() - 5000
    const { browser, claims, tokens } = await loggedInAt(() => then, () => signIn())
    assert.equal(claims.auth_time, then)
    assert.equal((await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)).auth_time, then)
    assert.equal((await signIn(apotheek, {}, { browser })).claims.auth_time, then)
  })

  check('an auth_time that is ahead of our clock is no later than the sign-on', async () => {
    const { claims } = await loggedInAt(() => nowS() + 86400, () => signIn())
    assert.ok(claims.auth_time <= nowS() + 1, String(claims.auth_time))
  })

  check('an identity provider that does not tell: no auth_time, and any max_age is over', async () => {
    const { browser, claims, tokens } = await loggedInAt(undefined, () => signIn())
    assert.ok(!('auth_time' in claims))
    assert.ok(!('auth_time' in await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)))
    const silent = await open(await request(apotheek, { max_age: '3600', prompt: 'none' }), { browser })
    assert.equal(silent.parameters.error, 'login_required')
    const logins = house.providers[TEST].logins
    const before = nowS() - 2
    const anew = await signIn(apotheek, { max_age: '3600' }, { browser })
    assert.equal(house.providers[TEST].logins, logins + 1)
    assert.ok(anew.claims.auth_time >= before)
  })

  check('max_age counts from auth_time and not from the sign-on here; too old and prompt none is login_required', async () => {
    const { browser } = await loggedInAt(() => nowS() - 120, () => getCode())
    const old = await open(await request(apotheek, { max_age: '60', prompt: 'none' }), { browser })
    assert.equal(old.parameters.error, 'login_required')
    const young = await open(await request(apotheek, { max_age: '600', prompt: 'none' }), { browser })
    assert.ok(young.parameters.code)
    const logins = house.providers[TEST].logins
    await getCode(apotheek, { max_age: '600' }, { browser })
    assert.equal(house.providers[TEST].logins, logins)
    await getCode(apotheek, { max_age: '60' }, { browser })
    assert.equal(house.providers[TEST].logins, logins + 1)
    assert.deepEqual([lastAsked().prompt, lastAsked().max_age], ['login', '0'])
  })

  check('IDT-17 a fresh login is fresh however long the person is busy at the identity provider after it; one from before our request is not', async () => {
    const slowly = async (wish, time) => {
      house.providers[TEST].behaviour = { action: 'login', person: PERSON }
      const asked = await request(apotheek, wish)
      const browser = new Browser()
      return loggedInAt(time, async () => {
        const { location } = await browser.follow(await browser.get(asked.url.href), (address) => house.isCallback(address))
        return house.shifted(200, () => house.visit(browser, location))
      })
    }
    for (const wish of [{ prompt: 'login' }, { max_age: '0' }, { max_age: '3600' }]) {
      const fresh = await slowly(wish, nowS)
      assert.ok(fresh.location && new URL(fresh.location).searchParams.get('code'), `${JSON.stringify(wish)}: ${fresh.text}`)
    }
    const stale = await slowly({ prompt: 'login' }, () => nowS() - 3600)
    assert.equal((await house.entry(stale.reference)).code, 516)
  })

  for (const [what, time] of [['an old login', () => nowS() - 3600], ['no auth_time', undefined]])
    for (const wish of [{ prompt: 'login' }, { max_age: '0' }, { max_age: '3600' }])
      check(`IDT-17 ${what} in answer to ${JSON.stringify(wish)} is 516 and no code; the button asks once more`, async () => {
        const refused = await loggedInAt(time, async () => open(await request(apotheek, wish)))
        assert.equal(refused.status, 403, refused.text)
        assert.equal(refused.location, undefined)
        const entry = await house.entry(refused.reference)
        assert.equal(entry.code, 516)
        assert.equal(step(entry, 5).data.fault.max_age_s, 0)
        const retry = new URL(links(refused.answer.text).find(({ text }) => text === 'Opnieuw proberen').href, house.frontUrl)
        const stillOld = await loggedInAt(time, () => house.visit(refused.browser, retry.href))
        assert.equal((await house.entry(stillOld.reference)).code, 516)
        const { location } = await house.visit(refused.browser, retry.href)
        assert.deepEqual([lastAsked().prompt, lastAsked().max_age], ['login', '0'])
        assert.ok(new URL(location).searchParams.get('code'), location)
      })

  for (const [error, prompt] of [['login_required', 'login'], ['consent_required', 'login consent'], ['account_selection_required', 'login select_account']])
    check(`a login that was forced stays so when it is started again after ${error}`, async () => {
      const { url } = await request(apotheek, { prompt: 'login' })
      house.providers[TEST].behaviour = { action: `error:${error}` }
      const refused = await house.visit(new Browser(), url.href)
      assert.equal((await house.entry(refused.reference)).code, 311)
      const retry = new URL(links(refused.answer.text).find(({ text }) => text === 'Opnieuw proberen').href, house.frontUrl)
      const sent = new URL((await refused.browser.get(retry.href)).headers.location).searchParams
      assert.deepEqual([sent.get('prompt'), sent.get('max_age')], [prompt, '0'])
    })

  check('id_token_hint of somebody else is login_required', async () => {
    const anne = await signIn()
    const other = await signIn(apotheek, {}, { person: { ...PERSON, name: 'Bram' } })
    const same = await open(await request(apotheek, { id_token_hint: anne.tokens.id_token, prompt: 'none' }), { browser: anne.browser })
    assert.ok(same.parameters.code)
    assert.notEqual(other.claims.sub, anne.claims.sub)
    const wrong = await open(await request(apotheek, { id_token_hint: other.tokens.id_token, prompt: 'none' }), { browser: anne.browser })
    assert.equal(wrong.parameters.error, 'login_required')
    const loggedIn = await open(await request(apotheek, { id_token_hint: other.tokens.id_token }), { person: { ...PERSON, name: 'Chris' } })
    assert.equal(loggedIn.parameters?.error, 'login_required', loggedIn.text)
  })
})

describe('the token endpoint', () => {
  // The tokens of a code, and whether they still are good for anything.
  async function spend(opened) {
    const { status, json, text } = await call(tokenFields(opened))
    assert.equal(status, 200, text)
    const info = () => userinfo(json.access_token).then(({ status, headers }) => `${status} ${headers['www-authenticate'] ?? ''}`.trim())
    assert.equal(await info(), '200')
    return info
  }
  const TAKEN_BACK = '401 Bearer realm="sluis", error="invalid_token"'
  const replays = () => house.sluis.log().split('\n').filter((line) => line.includes('"oidc_code_replayed"')).map((line) => JSON.parse(line))

  check('RFC 6749 4.1.2: a code that is offered twice is invalid_grant, and takes back the access token of the first time, and no other', async () => {
    const opened = await getCode()
    const user = newestUser()
    const info = await spend(opened)
    const sameSession = await spend(await getCode(apotheek, {}, { browser: opened.browser }))
    const before = replays().length
    const counted = async () => Number(/^sluis_sso_provider_refusals_total\{reason="code_replayed"\} (\d+)$/m.exec(await house.metrics())[1])
    const countedBefore = await counted()
    await assertRefused(tokenFields(opened), 'invalid_grant')
    assert.equal(await info(), TAKEN_BACK)
    assert.equal(await sameSession(), '200')
    assert.equal(await counted(), countedBefore + 1)
    await assertRefused(tokenFields(opened), 'invalid_grant') // and again
    const told = replays().slice(before)
    assert.deepEqual(told.map(({ client, user }) => [client, user]), [['apotheek', user], ['apotheek', user]])
    assert.match(told[0].login, /^SSO-/)
    assert.ok(told[0].address)
  })

  check('nobody takes a token back with the code alone', async () => {
    const opened = await getCode()
    const info = await spend(opened)
    await assertRefused(tokenFields(opened, { code_verifier: client.randomPKCECodeVerifier() }), 'invalid_grant')
    await assertRefused(tokenFields(opened, { redirect_uri: second }), 'invalid_grant')
    await assertRefused(tokenFields(opened, { client_secret: 'mis' }), 'invalid_client', 401)
    const { client_secret: _, ...publicFields } = tokenFields(opened, { client_id: 'mobiel' })
    await assertRefused(publicFields, 'invalid_grant')
    assert.equal(await info(), '200')
  })

  check('a used code that comes back after its minute takes its token back too; one that was never used does nothing', async () => {
    const [used, unused] = [await getCode(), await getCode()]
    const info = await spend(used)
    const before = replays().length
    await house.shifted(90, async () => {
      assert.equal(await info(), '200')
      await assertRefused(tokenFields(unused), 'invalid_grant')
      assert.equal(replays().length, before)
      await assertRefused(tokenFields(used), 'invalid_grant')
      assert.equal(await info(), TAKEN_BACK)
    })
    assert.equal(replays().length, before + 1)
  })

  check('sixteen calls with one code at once: one gets tokens, and they are taken back', async () => {
    const fields = tokenFields(await getCode())
    const answers = await Promise.all(Array.from({ length: 16 }, () => call(fields)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(15).fill(400)])
    assert.equal((await userinfo(answers.find(({ status }) => status === 200).json.access_token)).status, 401)
  })

  check('kill -9 between code and token call loses nothing, and after it neither that the code was used nor that its token was taken back', async () => {
    const opened = await getCode()
    await house.sluis.kill()
    await house.sluis.start()
    const info = await spend(opened)
    await house.sluis.kill()
    await house.sluis.start()
    assert.equal(await info(), '200')
    await assertRefused(tokenFields(opened), 'invalid_grant')
    await house.sluis.kill()
    await house.sluis.start()
    assert.equal(await info(), TAKEN_BACK)
  })

  check('another verifier, redirect_uri or client does not get the tokens, and the code stays good for its owner', async () => {
    const opened = await getCode()
    await assertRefused(tokenFields(opened, { code_verifier: client.randomPKCECodeVerifier() }), 'invalid_grant')
    await assertRefused(tokenFields(opened, { code_verifier: 'kort' }), 'invalid_grant')
    await assertRefused(tokenFields(opened, { redirect_uri: second }), 'invalid_grant')
    const { client_secret: _, ...publicFields } = tokenFields(opened, { client_id: 'mobiel' })
    await assertRefused(publicFields, 'invalid_grant')
    assert.equal((await call(tokenFields(opened))).status, 200)
  })

  check('a wrong secret, none, or one too many is invalid_client', async () => {
    const opened = await getCode()
    const { client_secret: _, ...without } = tokenFields(opened)
    const basic = (id, secret) => ({ Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` })
    const answer = await assertRefused(tokenFields(opened, { client_secret: 'mis' }), 'invalid_client', 401)
    assert.match(answer.headers['www-authenticate'], /^Basic /)
    await assertRefused(without, 'invalid_client', 401)
    await assertRefused(without, 'invalid_client', 401, basic('apotheek', 'mis'))
    await assertRefused(without, 'invalid_client', 401, basic('niemand', SECRET))
    await assertRefused(tokenFields(opened, { client_id: 'mobiel' }), 'invalid_client', 401)
    await assertRefused(without, 'invalid_client', 401, { Authorization: 'Basic !!' })
    await assertRefused(tokenFields(opened), 'invalid_request', 400, basic('apotheek', encodeURIComponent(SECRET)))
    assert.equal((await call(without, basic('apotheek', encodeURIComponent(SECRET)))).status, 200)
    assert.doesNotMatch(house.sluis.log(), /van-de-apotheek/)
  })

  check('repeated and missing parameters, other grants and other bodies are refused', async () => {
    const opened = await getCode()
    const fields = tokenFields(opened)
    for (const name of ['grant_type', 'code', 'redirect_uri', 'code_verifier', 'client_id', 'client_secret']) {
      const repeated = await call(fields, {}, `${new URLSearchParams(fields)}&${name}=x`)
      assert.equal(repeated.json.error, 'invalid_request', name)
    }
    for (const name of ['grant_type', 'code', 'redirect_uri', 'code_verifier']) {
      const { [name]: _, ...rest } = fields
      await assertRefused(rest, 'invalid_request')
    }
    await assertRefused({ ...fields, grant_type: 'refresh_token' }, 'unsupported_grant_type')
    await assertRefused(fields, 'invalid_request', 400, { 'Content-Type': 'application/json' })
    await assertRefused({ ...fields, code: `${fields.code.slice(0, -8)}AAAAAAAA` }, 'invalid_grant')
    assert.equal((await call(fields)).status, 200)
  })

  check('a code is good for a minute', async () => {
    const opened = await getCode()
    await house.shifted(61, () => assertRefused(tokenFields(opened), 'invalid_grant'))
  })

  check('a session that ended between code and token call gives no tokens', async () => {
    const opened = await getCode()
    const user = newestUser()
    await house.cli('sso', 'sessions', 'end', '--user', user)
    await assertRefused(tokenFields(opened), 'invalid_grant')
  })
})

describe('userinfo and logging out', () => {
  check('userinfo without a token, with another and after five minutes is 401', async () => {
    const { tokens } = await signIn()
    const bare = await userinfo()
    assert.equal(bare.status, 401)
    assert.equal(bare.headers['www-authenticate'], 'Bearer realm="sluis"')
    const wrong = await userinfo(`${tokens.access_token.slice(0, -8)}AAAAAAAA`)
    assert.match(wrong.headers['www-authenticate'], /error="invalid_token"/)
    assert.equal((await userinfo(tokens.id_token)).status, 401)
    assert.equal((await userinfo(tokens.access_token, 'POST')).status, 200)
    await house.shifted(301, async () => assert.equal((await userinfo(tokens.access_token)).status, 401))
  })

  check('a code is no access token, and an access token is no code', async () => {
    const opened = await getCode()
    assert.equal((await userinfo(opened.parameters.code)).status, 401)
    const { access_token } = (await call(tokenFields(opened))).json
    await assertRefused(tokenFields(opened, { code: access_token }), 'invalid_grant')
  })

  check('end_session with the session\'s own ID token ends it at once; userinfo is 401 and the application gets its state back', async () => {
    const { browser, tokens } = await signIn()
    assert.equal((await userinfo(tokens.access_token)).status, 200)
    const url = client.buildEndSessionUrl(apotheek, { id_token_hint: tokens.id_token, post_logout_redirect_uri: house.at('app', '/uit'), state: 'tot ziens' })
    const answer = await browser.get(url.href)
    assert.equal(answer.headers.location, `${house.at('app', '/uit')}?state=tot%20ziens`)
    assert.equal((await userinfo(tokens.access_token)).status, 401)
    const quiet = await open(await request(apotheek, { prompt: 'none' }), { browser })
    assert.equal(quiet.parameters.error, 'login_required')
  })

  check('an ID token leaves the lists out that would make it too long for a hint; userinfo has them', async () => {
    const { browser, tokens, claims } = await signIn(apotheek, {}, { person: { ...PERSON, locaties: MANY } })
    for (const name of ['permissions', 'locations', 'groups']) assert.ok(!(name in claims), name)
    assert.ok(tokens.id_token.length < 6000, String(tokens.id_token.length))
    const info = await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)
    assert.deepEqual([info.locations.length, info.groups, info.permissions], [MANY.length, ['Oost'], ['order.write@oost', 'status.read@oost']])
    assert.ok((await open(await request(apotheek, { id_token_hint: tokens.id_token, prompt: 'none' }), { browser })).parameters.code)
    const url = client.buildEndSessionUrl(apotheek, { id_token_hint: tokens.id_token, post_logout_redirect_uri: house.at('app', '/uit') })
    assert.equal((await browser.get(url.href)).headers.location, house.at('app', '/uit'))
    assert.equal((await userinfo(tokens.access_token)).status, 401)
  })

  check('without such a token the person is asked; another address is never gone to', async () => {
    const { browser, tokens } = await signIn()
    const stranger = await signIn()
    const out = house.at('app', '/uit')
    for (const parameters of [
      { post_logout_redirect_uri: out, client_id: 'apotheek' },
      { post_logout_redirect_uri: out, id_token_hint: stranger.tokens.id_token },
      { post_logout_redirect_uri: 'https://evil.example/', id_token_hint: tokens.id_token },
      { post_logout_redirect_uri: out, id_token_hint: `${tokens.id_token}x` },
      { post_logout_redirect_uri: out, id_token_hint: tokens.id_token, client_id: 'mobiel' },
    ]) {
      const answer = await browser.get(`${issuer}/logout?${new URLSearchParams(parameters)}`)
      assert.equal(answer.headers.location, `${house.frontUrl}/sso/logout`, JSON.stringify(Object.keys(parameters)))
      assert.equal((await userinfo(tokens.access_token)).status, 200)
    }
    const nobody = await exchange(`${issuer}/logout?${new URLSearchParams({ post_logout_redirect_uri: out, client_id: 'apotheek' })}`)
    assert.equal(nobody.headers.location, out)
  })
})

describe('the patient', () => {
  // Hunted in logs and tokens, so nothing that a time, a port or a random id can hold by chance.
  const PATIENT = 'dossier-zilverberk'

  check('VIEW-9 userinfo tells the patient of the session, with an event in the audit trail; the ID token does not', async () => {
    const login = await house.enter(PERSON, { query: `?view=status&clientId=${PATIENT}` })
    assert.match(login.landing, /^\/status\//, login.text)
    const { tokens, claims } = await signIn(apotheek, {}, { browser: login.browser })
    assert.ok(!('patient' in claims))
    assertAbsent(PATIENT, 'the ID token', Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString())
    assert.equal(claims.landing, login.landing)
    const events = async () => (await house.cli('audit', 'list', '--limit', '1000')).split('\n').filter((line) => line.includes('patient_access')).length
    const before = await events()
    const head = await userinfo(tokens.access_token, 'HEAD')
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal(await events(), before)
    assert.equal((await userinfo('x', 'HEAD')).status, 401)
    const info = await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)
    assert.deepEqual(info.patient, { reference: login.landing.split('/')[2], kind: 'external_id', value: PATIENT })
    assert.equal(info.landing, login.landing)
    assert.equal(await events(), before + 1)
    assertAbsent(PATIENT, 'the process log', house.sluis.log())
  })

  check('without a patient userinfo says so', async () => {
    const { tokens, claims } = await signIn()
    const info = await client.fetchUserInfo(apotheek, tokens.access_token, claims.sub)
    assert.equal(info.patient, null)
    assert.deepEqual(info.warnings, [])
  })
})

describe('the hand-over as a signed JWT', () => {
  const handOver = async (headers = {}, fields = {}) => {
    const login = await house.press(await house.member('sandra'))
    const code = new URL(login.location).searchParams.get('code')
    assert.ok(code, login.text)
    return exchange(`${house.internalUrl}/sso/handover`, {
      method: 'POST', body: new URLSearchParams({ code, ...fields }).toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } })
  }

  for (const [what, ...how] of [['Accept', { Accept: 'application/jwt' }], ['format', {}, { format: 'jwt' }]])
    check(`asked for by ${what}: the same facts, for this application, verified with the published keys`, async () => {
      const plain = JSON.parse((await handOver()).text)
      const answer = await handOver(...how)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['content-type'], 'application/jwt')
      const { payload, protectedHeader } = await jose.jwtVerify(answer.text, jose.createLocalJWKSet(await jwks()), {
        issuer, audience: house.at('app', '/sso'), typ: 'handover+jwt', algorithms: ['RS256'] })
      assert.ok(protectedHeader.kid)
      assert.equal(payload.exp - payload.iat, 60)
      assert.match(payload.jti, /^[0-9a-f-]{36}$/)
      assert.equal(payload.sub, payload.user)
      const { iss, aud, sub, iat, exp, jti, expires, ...facts } = payload
      const { expires: _, ...expected } = plain
      assert.deepEqual(facts, expected)
    })

  check('it is no ID token: as a hint it is refused', async () => {
    const { text } = await handOver({ Accept: 'application/jwt' })
    const { browser } = await getCode()
    const { parameters } = await open(await request(apotheek, { id_token_hint: text }), { browser })
    assert.equal(parameters.error, 'invalid_request')
  })
})

describe('signing keys', () => {
  check('rotation: announced, then active, then retired; what was signed before stays verifiable until it is gone', async () => {
    const first = await signIn()
    const verify = async ({ tokens }, set) => jose.jwtVerify(tokens.id_token, jose.createLocalJWKSet(set), { issuer })
    const [{ kid: old }] = (await jwks()).keys
    assert.match(await house.cli('sso', 'keys', 'list'), new RegExp(`${old} +active`))

    await house.cli('sso', 'keys', 'rotate')
    const announced = await eventually(async () => { const set = await jwks(); assert.equal(set.keys.length, 2); return set })
    const fresh = announced.keys.find(({ kid }) => kid !== old).kid
    assert.match(await house.cli('sso', 'keys', 'list'), new RegExp(`${old} +active[^]*${fresh} +announced`))
    assert.equal(jose.decodeProtectedHeader((await signIn()).tokens.id_token).kid, old)

    await house.cli('sso', 'keys', 'rotate', '--now')
    const second = await eventually(async () => {
      const signed = await signIn()
      assert.equal(jose.decodeProtectedHeader(signed.tokens.id_token).kid, fresh)
      return signed
    })
    const both = await jwks()
    await verify(first, both)
    await verify(second, both)
    assert.match(await house.cli('sso', 'keys', 'list'), new RegExp(`${old} +retired[^]*${fresh} +active`))

    await house.shifted(2 * 86400 + 60, async () => {
      const rest = await jwks()
      assert.deepEqual(rest.keys.map(({ kid }) => kid), [fresh])
      await assert.rejects(verify(first, rest), /no applicable key/)
      await verify(second, rest)
    })
    assert.match(await house.cli('audit', 'list', '--limit', '1000'), /signing_key_rotate/)
    for (const key of both.keys) assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })
})

describe('applications for those who help', () => {
  check('sluis sso applications list and show; an export never tells the secret', async () => {
    assert.match(await house.cli('sso', 'applications', 'list'), /apotheek +production +demo +active +duinzicht +duinzicht_test/)
    const shown = await house.cli('sso', 'applications', 'show', 'apotheek')
    assert.match(shown, new RegExp(`issuer +${issuer}`))
    assert.doesNotMatch(shown + await house.cli('export', '--only', 'applications'), /van-de-apotheek/)
    const failed = await house.sluis.run('sso', 'applications', 'show', 'niemand', '--config', house.file('sluis.yaml'))
    assert.equal(failed.status, 1)
  })
})
