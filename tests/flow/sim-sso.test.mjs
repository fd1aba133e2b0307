// The simulator's professional side by itself: the health record as an OpenID Connect issuer (judged by oauth4webapi),
// what it does wrong on request, the target application behind a hand-over, and the mailbox behind real SMTP.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createDecipheriv, createHmac, createPublicKey, verify } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import * as oauth from 'oauth4webapi'
import { Browser, exchange, forms, visibleText } from './support/browser.mjs'
import { makeCertificates } from './support/certificates.mjs'
import { until } from './support/patience.mjs'
import { freeOffset } from './support/ports.mjs'

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const binary = process.env.SIM_BIN ?? path.join(process.env.SLUIS_BIN ? path.dirname(process.env.SLUIS_BIN) : path.join(root, 'build-san'), 'sim', 'sluis-sim')
const folder = path.join(root, 'tests', 'artefacts', 'houses', `sim-sso-${process.pid}`)
const SLUG = 'zonnestraaltjes_ysis'
const CLIENTS = {
  production: { client_id: 'sluis-productie', secret: 'alleen-voor-de-demo-Hn4t7Pq2' },
  acceptance: { client_id: 'sluis-acceptatie', secret: 'alleen voor de demo +/=&:%25 w9Lc' },
}
const CONTEXT_KEY = Buffer.from('YWxsZWVuLXZvb3ItZGUtZGVtby1zbGV1dGVsLWVwZDE', 'base64url')

let offset, sim, log = ''
let internal, handovers = [], logouts = [], front

const at = (host, where = '/') => `http://${host}.localhost:${8090 + offset}${where}`
const startUrl = (environment = 'production') =>
  `http://${environment === 'acceptance' ? 'acceptance.' : ''}localhost:${8080 + offset}/sso/openidconnect/${SLUG}`
const byId = (page, id) => {
  const found = page.text.match(new RegExp(`<([a-z0-9]+)[^>]*\\bid="${id}"[^>]*>([^]*?)</\\1>`))
  return found ? visibleText(found[2]) : undefined
}
const itemsOf = (page, id) => {
  const list = page.text.match(new RegExp(`<ul[^>]*\\bid="${id}"[^>]*>([^]*?)</ul>`))
  return [...(list?.[1] ?? '').matchAll(/<li>([^]*?)<\/li>/g)].map(([, text]) => visibleText(text))
}

// A server that stands where Sluis would be; `answer` decides what it says.
function stand(port, answer) {
  const server = http.createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => { body += piece })
    request.on('end', () => {
      const { status, json } = answer(request, body)
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json))
    })
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

async function logIn(member, { patient } = {}) {
  const browser = new Browser()
  await browser.post(at('epd', '/inloggen'), { member })
  if (patient) await browser.post(at('epd', '/client'), { open: patient })
  return browser
}

// ---- the issuer, through a client that somebody else wrote ----

const insecure = { [oauth.allowInsecureRequests]: true }
// oauth4webapi over `exchange`, which knows that *.localhost is the loopback.
const fetcher = {
  ...insecure,
  [oauth.customFetch]: async (url, { method, headers, body }) => {
    const answer = await exchange(String(url), { method, headers: { ...headers }, body: body === undefined ? undefined : String(body) })
    return new Response(answer.text, { status: answer.status, headers: { 'content-type': answer.headers['content-type'] ?? 'text/plain' } })
  },
}

const issuerUrl = () => new URL(at('epd', '/cas/oidc'))
const discover = async () => oauth.processDiscoveryResponse(issuerUrl(), await oauth.discoveryRequest(issuerUrl(), fetcher))

// The redirect back to Sluis, and what is needed to go on.
async function authorize(browser, environment = 'production', extra = {}) {
  const server = await discover()
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code', client_id: CLIENTS[environment].client_id, redirect_uri: startUrl(environment),
    scope: 'openid profile email', state, nonce, code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256', ...extra,
  })
  const answer = await browser.get(url.href)
  const location = answer.headers.location && new URL(answer.headers.location, url)
  return { server, verifier, state, nonce, answer, location, environment }
}

async function redeem({ server, verifier, state, nonce, location, environment }) {
  const client = { client_id: CLIENTS[environment].client_id }
  const parameters = oauth.validateAuthResponse(server, client, location, state)
  const response = await oauth.authorizationCodeGrantRequest(server, client, oauth.ClientSecretBasic(CLIENTS[environment].secret),
    parameters, startUrl(environment), verifier, fetcher)
  const copy = await response.clone().json().catch(() => undefined)
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(server, response, fetcher)
  return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens), copy }
}

// The raw token answer, with none of the client's checks.
async function rawTokens(flow) {
  const { client_id, secret } = CLIENTS[flow.environment]
  const answer = await exchange(flow.server.token_endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: flow.location.searchParams.get('code'),
      redirect_uri: startUrl(flow.environment), code_verifier: flow.verifier,
    }).toString(),
  })
  return { ...answer, json: answer.text.startsWith('{') ? JSON.parse(answer.text) : undefined }
}

const part = (token, index) => JSON.parse(Buffer.from(token.split('.')[index], 'base64url'))
const keysNow = async () => JSON.parse((await exchange(at('epd', '/cas/oidc/jwks'))).text).keys
const isSigned = (token, jwk) => {
  const [header, payload, signature] = token.split('.')
  return verify('sha256', Buffer.from(`${header}.${payload}`), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature, 'base64url'))
}

async function faulty(fault, shape = '', member = 'sandra') {
  const browser = await logIn(member)
  await browser.post(at('epd', '/misdraging'), { fault, shape })
  return authorize(browser)
}

describe('the professional\'s side of the simulator', { timeout: 1200000 }, () => {
  before(async () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    makeCertificates(folder)
    offset = await freeOffset([8080, 9090, 8090, 2525])
    internal = await stand(9090 + offset, (request, body) => {
      const code = new URLSearchParams(body).get('code')
      const found = handovers.find((one) => one.code === code)
      handovers = handovers.filter((one) => one !== found)
      return found ? { status: 200, json: found.facts } : { status: 400, json: { error: 'invalid_grant' } }
    })
    front = await stand(8080 + offset, (request, body) => {
      logouts.push({ url: request.url, host: request.headers.host, token: new URLSearchParams(body).get('logout_token') })
      return { status: 200, json: {} }
    })
    sim = spawn(binary, ['--port-offset', String(offset), '--home', path.join(root, 'sim'), '--certificates', folder], { stdio: ['ignore', 'ignore', 'pipe'] })
    sim.stderr.on('data', (piece) => { log += piece })
    await until(() => `sluis-sim is ready: ${log}`, () => log.includes('sim_started') || sim.exitCode !== null)
    assert.match(log, /sim_started/)
  })
  after(async () => {
    internal?.close()
    front?.close()
    const ended = new Promise((resolve) => sim.on('close', resolve))
    sim.kill('SIGTERM')
    assert.equal(await ended, 0, log)
    assert.doesNotMatch(log, /Sanitizer|runtime error:/)
  })

  // ---- the record ----

  test('the start page leads to the new parts, and each says that it is a simulator', async () => {
    const browser = await logIn('sandra')
    const start = await browser.get(`http://localhost:${8090 + offset}/`)
    for (const id of ['part-epd', 'part-app', 'part-mail']) assert.ok(byId(start, id), id)
    const pages = [at('epd'), at('epd', '/inloggen'), at('epd', '/beheer'), at('app'), at('app', '/status'), at('mail'), at('mail', '/mail/1')]
    for (const page of await Promise.all(pages.map((url) => browser.get(url)))) {
      assert.match(byId(page, 'simulator') ?? '', /^Simulator\. .*verzonnen/, page.url)
    }
  })

  test('who is not logged in to the record is asked to', async () => {
    const answer = await new Browser().get(at('epd'))
    assert.equal(new URL(answer.headers.location, answer.url).href, at('epd', '/inloggen'))
  })

  test('the button opens the start URL, with and without an open record', async () => {
    const browser = await logIn('sandra')
    const press = async (fields) => (await browser.get(`${at('epd', '/sso')}?${new URLSearchParams(fields)}`)).headers.location
    assert.equal(await press({ environment: 'production', context: 'external_id' }), startUrl())
    await browser.post(at('epd', '/client'), { open: '12345' })
    assert.equal(byId(await browser.get(at('epd')), 'open-patient'), 'Sanne de Wit')
    assert.equal(await press({ environment: 'production', view: 'toedienen', context: 'external_id' }), `${startUrl()}?view=toedienen&clientId=12345`)
    assert.equal(await press({ environment: 'acceptance', context: 'bsn_clear' }), `${startUrl('acceptance')}?bsn=999990019`)
    await browser.post(at('epd', '/client'), { open: '' })
    assert.equal(await press({ environment: 'production', context: 'bsn_jwe' }), startUrl())
  })

  test('the encrypted BSN opens with the key of both ends, in either form', async () => {
    const browser = await logIn('sandra', { patient: '23456' })
    const bsn = async (context) => new URL((await browser.get(at('epd', `/sso?environment=production&context=${context}`))).headers.location).searchParams.get('bsn')
    const open = (iv, cipher, tag, aad) => {
      const box = createDecipheriv('aes-256-gcm', CONTEXT_KEY, iv).setAAD(Buffer.from(aad)).setAuthTag(tag)
      return JSON.parse(Buffer.concat([box.update(cipher), box.final()]))
    }
    const jwe = await bsn('bsn_jwe')
    const [header, key, iv, cipher, tag] = jwe.split('.')
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url')), { alg: 'dir', enc: 'A256GCM', kid: 'epd-2026-1' })
    assert.equal(key, '')
    const bytes = [iv, cipher, tag].map((text) => Buffer.from(text, 'base64url'))
    assert.equal(open(...bytes, header).bsn, '123456782')
    assert.equal(await bsn('bsn_replay'), jwe)
    const raw = Buffer.from(await bsn('bsn_raw'), 'base64url')
    const plain = open(raw.subarray(0, 12), raw.subarray(12, -16), raw.subarray(-16), SLUG)
    assert.equal(plain.bsn, '123456782')
    assert.ok(Math.abs(plain.iat - Date.now() / 1000) < 30)
    assert.ok(JSON.parse(Buffer.from((await bsn('bsn_stale')).split('.')[0], 'base64url')).kid)
  })

  test('the button is a permission per person', async () => {
    const joke = await logIn('joke')
    assert.ok(byId(await joke.get(at('epd')), 'no-button'))
    assert.equal((await joke.get(at('epd', '/sso?environment=production'))).status, 403)
    await joke.post(at('epd', '/knop'), { member: 'joke', button: 'yes' })
    assert.equal((await joke.get(at('epd', '/sso?environment=production'))).status, 303)
    await joke.post(at('epd', '/knop'), { member: 'joke', button: 'no' })
    assert.equal((await joke.get(at('epd', '/sso?environment=production'))).status, 403)
  })

  // ---- the issuer ----

  for (const environment of ['production', 'acceptance']) {
    test(`a login that a strict client accepts: ${environment}`, async () => {
      const flow = await authorize(await logIn('sandra'), environment)
      assert.equal(flow.location.origin + flow.location.pathname, startUrl(environment))
      const { tokens, claims } = await redeem(flow)
      assert.deepEqual(claims.locaties, ['1201', '1202'])
      assert.equal(claims.sub, 'u-1001')
      assert.equal(claims.aud, CLIENTS[environment].client_id)
      assert.ok(claims.sid && claims.at_hash)
      const response = await oauth.userInfoRequest(flow.server, { client_id: claims.aud }, tokens.access_token, fetcher)
      const info = await oauth.processUserInfoResponse(flow.server, { client_id: claims.aud }, claims.sub, response)
      assert.deepEqual(info.attributes.locaties, ['1201', '1202'])
      assert.equal(info.locaties, undefined)
    })
  }

  test('a code works once, and only with its verifier and its client', async () => {
    const browser = await logIn('sandra')
    const flow = await authorize(browser)
    assert.equal((await rawTokens(flow)).status, 200)
    assert.equal((await rawTokens(flow)).json.error, 'invalid_grant')
    const other = await authorize(browser)
    assert.equal((await rawTokens({ ...other, verifier: oauth.generateRandomCodeVerifier() })).json.error, 'invalid_grant')
    const foreign = await authorize(browser)
    assert.equal((await rawTokens({ ...foreign, environment: 'acceptance' })).json.error, 'invalid_grant')
  })

  test('without a login in the record the issuer asks for it first, and goes on after that', async () => {
    const browser = new Browser()
    const { answer } = await authorize(browser)
    const page = await browser.follow(answer)
    assert.match(page.url, /\/inloggen\?request=/)
    const back = await browser.submit(page, { button: { name: 'member', value: 'karim' } })
    assert.ok(new URL(back.headers.location).searchParams.get('code'))
    assert.equal((await authorize(new Browser(), 'production', { prompt: 'none' })).location.searchParams.get('error'), 'login_required')
  })

  for (const [what, extra] of [['redirect_uri', { redirect_uri: 'https://evil.example/' }], ['client_id', { client_id: 'vreemd' }]]) {
    test(`a request with a foreign ${what} is not answered by a redirect`, async () => {
      const { answer } = await authorize(await logIn('sandra'), 'production', extra)
      assert.equal(answer.status, 400)
    })
  }

  for (const [member, expected] of [['karim', ['1201', '1377']], ['els', ['1377']], ['tom', []], ['yara', undefined]]) {
    test(`locations of ${member}`, async () => {
      const { claims } = await redeem(await authorize(await logIn(member)))
      assert.deepEqual(claims.locaties, expected)
    })
  }

  for (const [shape, expected] of [
    ['numbers', [1201, 1202]], ['text', '1201'], ['delimited', '1201;1202'], ['json_text', '["1201","1202"]'], ['empty', []],
    ['objects', [{ id: '1201', naam: 'Zonnestraaltjes Oost' }, { id: '1202', naam: 'Zonnestraaltjes West' }]],
    ['object', { oost: '1201' }], ['absent', undefined], ['userinfo', undefined], ['overage', undefined],
  ]) {
    test(`locations as ${shape}, once`, async () => {
      const browser = await logIn('sandra')
      await browser.post(at('epd', '/misdraging'), { fault: '', shape })
      const first = part((await rawTokens(await authorize(browser))).json.id_token, 1)
      assert.deepEqual(first.locaties, expected)
      assert.equal(first._claim_names !== undefined, shape === 'overage')
      assert.deepEqual(part((await rawTokens(await authorize(browser))).json.id_token, 1).locaties, ['1201', '1202'])
    })
  }

  test('2000 locations, and one too many', async () => {
    for (const [shape, count] of [['many', 2000], ['too_many', 2001]]) {
      assert.equal(new Set(part((await rawTokens(await faulty('', shape))).json.id_token, 1).locaties).size, count)
    }
  })

  // ---- misbehaviour ----

  for (const error of ['access_denied', 'login_required', 'server_error', 'temporarily_unavailable', 'invalid_request', 'unauthorized_client', 'kapot']) {
    test(`answers ${error}`, async () => {
      const { location, state } = await faulty(error)
      assert.equal(location.searchParams.get('error'), error)
      assert.equal(location.searchParams.get('state'), state)
      assert.equal(location.searchParams.get('code'), null)
    })
  }

  for (const [fault, check] of [
    ['state', ({ location, state }) => location.searchParams.get('state') && location.searchParams.get('state') !== state],
    ['state_missing', ({ location }) => !location.searchParams.has('state')],
    ['state_twice', ({ location }) => location.searchParams.getAll('state').length === 2],
    ['iss', ({ location, server }) => location.searchParams.get('iss') !== server.issuer],
    ['iss_missing', ({ location }) => !location.searchParams.has('iss')],
    ['code_missing', ({ location }) => !location.searchParams.has('code') && !location.searchParams.has('error')],
    ['front_token', ({ location }) => location.searchParams.has('id_token')],
    ['other_slug', ({ location }) => location.origin === new URL(startUrl('acceptance')).origin],
  ]) {
    test(`authorization response: ${fault}`, async () => assert.ok(check(await faulty(fault))))
  }

  test('form_post: a page with a form that posts to Sluis', async () => {
    const { answer, state } = await faulty('form_post')
    const [form] = forms(answer.text)
    assert.equal(form.action, startUrl())
    assert.equal(form.method, 'post')
    assert.equal(form.fields.state, state)
    assert.ok(form.fields.code)
  })

  for (const [fault, status, error] of [
    ['invalid_client', 401, 'invalid_client'], ['secret_expired', 401, 'invalid_client'], ['invalid_grant', 400, 'invalid_grant'],
    ['redirect_mismatch', 400, 'invalid_grant'], ['invalid_scope', 400, 'invalid_scope'], ['token_text', 200, undefined],
  ]) {
    test(`token answer: ${fault}`, async () => {
      const answer = await rawTokens(await faulty(fault))
      assert.equal(answer.status, status)
      assert.equal(answer.json?.error, error)
    })
  }
  test('token answer: no ID token, and another token type', async () => {
    assert.equal((await rawTokens(await faulty('id_token_missing'))).json.id_token, undefined)
    assert.equal((await rawTokens(await faulty('token_type'))).json.token_type, 'mac')
  })

  // Each is the token of an honest login but for one thing; the signature is right unless that is the thing.
  const now = () => Date.now() / 1000
  for (const [fault, check] of [
    ['alg_none', ({ header, token }) => header.alg === 'none' && token.split('.')[2].length > 0],
    ['alg_none_empty', ({ header, token }) => header.alg === 'none' && token.endsWith('.')],
    ['alg_hs256', ({ header, token, key }) => header.alg === 'HS256' && token.split('.')[2] ===
      createHmac('sha256', createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })).update(token.split('.').slice(0, 2).join('.')).digest('base64url')],
    ['jwk', ({ header, token, key }) => isSigned(token, header.jwk) && !isSigned(token, key) && header.jwk.n !== key.n],
    ['signature', ({ token, key }) => !isSigned(token, key)],
    ['two_parts', ({ token }) => token.split('.').length === 2],
    ['encrypted', ({ token }) => token.split('.').length === 5],
    ['crit', ({ header, isRight }) => isRight && header.crit?.length === 1],
    ['kid', ({ header, isRight, key }) => isRight && header.kid !== key.kid],
    ['typ', ({ header, isRight }) => isRight && header.typ === 'at+jwt'],
    ['issuer', ({ claims, isRight }) => isRight && claims.iss === 'https://epd.example'],
    ['aud', ({ claims, isRight }) => isRight && claims.aud === 'andere-toepassing'],
    ['aud_more', ({ claims, isRight }) => isRight && claims.aud.length === 2],
    ['azp', ({ claims, isRight }) => isRight && claims.azp === 'andere-toepassing'],
    ['expired', ({ claims, isRight }) => isRight && claims.exp < now() - 120],
    ['exp_missing', ({ claims, isRight }) => isRight && claims.exp === undefined],
    ['exp_text', ({ claims, isRight }) => isRight && claims.exp === 'morgen'],
    ['exp_huge', ({ claims, isRight }) => isRight && claims.exp === 1e300],
    ['iat_ahead_45', ({ claims, isRight }) => isRight && Math.abs(claims.iat - now() - 45) < 20],
    ['iat_ahead_90', ({ claims, isRight }) => isRight && Math.abs(claims.iat - now() - 90) < 20],
    ['iat_old', ({ claims, isRight }) => isRight && claims.iat < now() - 850],
    ['iat_missing', ({ claims, isRight }) => isRight && claims.iat === undefined],
    ['nbf', ({ claims, isRight }) => isRight && claims.nbf > now() + 90],
    ['nonce', ({ claims, isRight, flow }) => isRight && claims.nonce && claims.nonce !== flow.nonce],
    ['nonce_missing', ({ claims, isRight }) => isRight && claims.nonce === undefined],
    ['at_hash', ({ claims, isRight }) => isRight && claims.at_hash === 'AAAAAAAAAAAAAAAAAAAAAA'],
    ['sub_missing', ({ claims, isRight }) => isRight && claims.sub === undefined],
  ]) {
    test(`ID token: ${fault}, which a strict client refuses`, async () => {
      const flow = await faulty(fault)
      const token = (await rawTokens(flow)).json.id_token
      const [key] = await keysNow()
      const whole = token.split('.').length === 3
      assert.ok(check({
        token, key, flow, header: part(token, 0), claims: whole ? part(token, 1) : {},
        isRight: whole && isSigned(token, key),
      }), token)
      /* oauth4webapi takes any kid-less or fitting key as it finds it, and a clock that runs ahead. */
      if (['iat_ahead_45', 'iat_ahead_90', 'iat_old', 'exp_huge', 'crit', 'typ', 'at_hash', 'azp', 'aud_more'].includes(fault)) return
      await assert.rejects(faulty(fault).then(redeem))
    })
  }

  test('userinfo: refused, a list, of somebody else', async () => {
    const info = async (fault) => {
      const flow = await faulty(fault)
      const { access_token: token } = (await rawTokens(flow)).json
      return exchange(flow.server.userinfo_endpoint, { headers: { Authorization: `Bearer ${token}` } })
    }
    assert.equal((await info('userinfo_error')).status, 401)
    assert.equal((await info('userinfo_array')).text, '[]')
    assert.equal(JSON.parse((await info('userinfo_sub')).text).sub, 'u-9999')
  })

  test('a new key: the next token is signed with it, the one before is still in the set', async () => {
    const browser = await logIn('sandra')
    const [old] = await keysNow()
    await browser.post(at('epd', '/sleutel'), {})
    const keys = await keysNow()
    assert.equal(keys.length, 2)
    assert.equal(keys[1].kid, old.kid)
    const token = (await rawTokens(await authorize(browser))).json.id_token
    assert.equal(part(token, 0).kid, keys[0].kid)
    assert.ok(isSigned(token, keys[0]))
  })

  test('back-channel logout: what is sent for each choice', async () => {
    const browser = await logIn('sandra')
    const send = async (kind, environment = 'production') => {
      logouts = []
      const page = await browser.post(at('epd', '/uitlogbericht'), { kind, environment })
      assert.equal(byId(page, 'backchannel-status'), '200')
      assert.equal(logouts[0].url, `/sso/openidconnect/${SLUG}/backchannel-logout`)
      return { ...logouts[0], header: part(logouts[0].token, 0), claims: part(logouts[0].token, 1) }
    }
    const event = 'http://schemas.openid.net/event/backchannel-logout'
    const bySid = await send('sid')
    assert.ok(bySid.claims.sid && bySid.claims.jti && bySid.claims.events[event] && !bySid.claims.sub)
    assert.ok(isSigned(bySid.token, (await keysNow())[0]))
    const bySub = await send('sub', 'acceptance')
    assert.ok(bySub.host.startsWith('acceptance.localhost:'))
    assert.equal(bySub.claims.sub, 'u-1001')
    assert.equal(bySub.claims.sid, undefined)
    assert.equal(bySub.claims.aud, 'sluis-acceptatie')
    assert.equal((await send('replay')).token, bySub.token)
    assert.ok((await send('nonce')).claims.nonce)
    assert.equal((await send('no_jti')).claims.jti, undefined)
    assert.equal((await send('no_iat')).claims.iat, undefined)
    assert.equal((await send('no_events')).claims.events, undefined)
    assert.equal((await send('alg_none')).header.alg, 'none')
  })

  test('end of session at the issuer: only with a hint, only to an address of ours', async () => {
    const browser = await logIn('sandra')
    const where = (fields) => browser.get(`${at('epd', '/cas/oidc/oidcLogout')}?${new URLSearchParams(fields)}`)
    assert.equal((await where({ id_token_hint: 'x', post_logout_redirect_uri: 'https://evil.example/' })).status, 400)
    const page = await where({ id_token_hint: 'x', post_logout_redirect_uri: `${startUrl()}/logged-out`, state: 'abc' })
    assert.equal(page.status, 200)
    assert.equal((await browser.get(at('epd'))).status, 200) // nothing before the person agrees
    const answer = await browser.submit(page)
    assert.equal(answer.headers.location, `${startUrl()}/logged-out?state=abc`)
    assert.equal((await browser.get(at('epd'))).headers.location, '/inloggen')
  })

  // ---- the target application ----

  const facts = (more = {}) => ({
    user: '01-user', display_name: 'Sandra <b>Bloem</b>', connection: SLUG, environment: 'production', groups: ['Zorg Oost'],
    permissions: ['status.read@oost', 'worklist.read', 'administration.write@oost'], locations: ['1201'], view: '/', patient: null, limited: false,
    expires: Math.floor(now()) + 600, ...more,
  })
  let codes = 0
  const enter = async (more, browser = new Browser()) => {
    const code = `code-${++codes}`
    handovers.push({ code, facts: facts(more) })
    return { browser, code, page: await browser.follow(await browser.get(at('app', `/sso?code=${code}`))) }
  }

  test('nobody is let in without a hand-over', async () => {
    assert.equal((await new Browser().get(at('app'))).status, 401)
    assert.equal((await new Browser().get(at('app', '/sso?code=nee'))).status, 403)
    assert.equal((await new Browser().get(at('app', '/sso'))).status, 400)
  })

  test('a code opens a session once; the page shows what came along, escaped', async () => {
    const { browser, code, page } = await enter({ view: '/werklijst' })
    assert.equal(new URL(page.url).pathname, '/werklijst')
    assert.equal(byId(page, 'name'), 'Sandra <b>Bloem</b>')
    assert.ok(!page.text.includes('<b>Bloem'))
    assert.deepEqual(itemsOf(page, 'groups'), ['Zorg Oost'])
    assert.deepEqual(itemsOf(page, 'locations'), ['1201'])
    assert.equal(itemsOf(page, 'permissions').length, 3)
    assert.equal(byId(page, 'environment'), 'production')
    assert.equal((await new Browser().get(at('app', `/sso?code=${code}`))).status, 403)
    assert.equal((await browser.get(at('app', '/dispense'))).status, 403)
    await browser.post(at('app', '/uitloggen'), {})
    assert.equal((await browser.get(at('app'))).status, 401)
  })

  for (const [name, patient, notice] of [
    ['known', { kind: 'external_id', value: '12345' }, undefined],
    ['known by BSN', { kind: 'bsn', value: '999990019' }, undefined],
    ['unknown', { kind: 'external_id', value: '45678' }, 'Onbekende cliënt.'],
    ['of another department', { kind: 'external_id', value: '23456' }, 'U hebt onvoldoende rechten voor deze cliënt.'],
  ]) {
    test(`a patient who is ${name}`, async () => {
      const { page } = await enter({ view: '/toedienen/ref1', patient: { reference: 'ref1', ...patient } })
      assert.equal(byId(page, 'notice'), notice)
      assert.equal(byId(page, 'patient-name'), notice ? undefined : 'Sanne de Wit')
      assert.ok(!page.text.includes('Joost'))
    })
  }

  test('a reference that Sluis did not give out opens nobody', async () => {
    const { browser } = await enter({ view: '/status/ref1', patient: { reference: 'ref1', kind: 'external_id', value: '12345' } })
    const page = await browser.get(at('app', '/status/ref2'))
    assert.equal(byId(page, 'notice'), 'Onbekende cliënt.')
    assert.equal(byId(page, 'patient-name'), undefined)
  })

  test('departments: those of the permissions', async () => {
    const { browser } = await enter()
    assert.ok(byId(await browser.get(at('app', '/deelronde')), 'department-oost'))
    assert.equal(byId(await browser.get(at('app', '/deelronde')), 'department-west'), undefined)
    assert.ok(byId(await browser.get(at('app', '/werklijstafdeling')), 'department-west'))
  })

  test('a limited session has no menu, an expired one is none, a foreign landing is not followed', async () => {
    assert.equal(byId((await enter({ limited: true })).page, 'menu'), undefined)
    assert.ok(byId((await enter()).page, 'menu'))
    assert.equal((await enter({ expires: Math.floor(now()) - 1 })).page.status, 401)
    for (const view of ['https://evil.example/', '//evil.example/', '/\\evil.example']) {
      assert.equal(new URL((await enter({ view })).page.url).href, at('app'))
    }
  })

  test('the headers of a proxy do as well, decoded', async () => {
    const page = await new Browser().get(at('app', '/werklijst'), { headers: {
      'X-SSO-User': 'u1', 'X-SSO-Name': 'Zo%C3%AB', 'X-SSO-Groups': 'Zorg Oost,A%2CB', 'X-SSO-Permissions': 'worklist.read order.write@west', 'X-SSO-Locations': '1201,1202',
    } })
    assert.equal(page.status, 200)
    assert.equal(byId(page, 'name'), 'Zoë')
    assert.deepEqual(itemsOf(page, 'groups'), ['Zorg Oost', 'A,B'])
    assert.deepEqual(itemsOf(page, 'permissions'), ['worklist.read', 'order.write@west'])
    assert.equal(byId(page, 'via'), 'proxy')
  })

  // ---- the mailbox ----

  const mails = async () => JSON.parse((await exchange(at('mail', '/mails.json'))).text)

  // Speaks SMTP line by line; each step is [what to say, the code to expect].
  async function converse(steps, socket) {
    const isOurs = socket === undefined
    const wire = socket ?? net.connect(2525 + offset, '127.0.0.1')
    let input = '', wake
    wire.on('data', (piece) => { input += piece; wake?.() })
    wire.on('close', () => wake?.())
    const answer = async () => {
      for (;;) {
        const done = input.match(/^(?:\d{3}-[^\n]*\n)*(\d{3}) [^\n]*\n/)
        if (done) {
          input = input.slice(done[0].length)
          return done
        }
        if (wire.destroyed || wire.readableEnded) return ['', undefined]
        await new Promise((resolve) => { wake = resolve })
      }
    }
    for (const [line, code] of steps) {
      if (line !== undefined) wire.write(line)
      const [text, got] = await answer()
      assert.equal(got, code, `${line}: ${text}`)
    }
    wire.removeAllListeners('data')
    if (isOurs && steps.at(-1)[0] !== 'STARTTLS\r\n') wire.destroy()
    return wire
  }
  const mail = (data, to = ['fab@zonnestraaltjes.example']) => [
    ['EHLO test\r\n', '250'], ['MAIL FROM:<sluis@example.nl>\r\n', '250'], ...to.map((one) => [`RCPT TO:<${one}>\r\n`, '250']),
    ['DATA\r\n', '354'], [`${data}\r\n.\r\n`, '250'], ['QUIT\r\n', '221'],
  ]

  test('a mail is listed and shown as text, words and body decoded, nothing as HTML', async () => {
    await converse([[undefined, '220'], ...mail([
      'From: Sluis <sluis@example.nl>', 'Subject: =?UTF-8?Q?Geen_beveiligingsgroepen_=C3=A9?=', ' =?UTF-8?B?w6s=?= <script>', 'Auto-Submitted: auto-generated',
      'Content-Transfer-Encoding: quoted-printable', '', 'Cli=C3=ABnt <script>alert(1)</script> lange=', ' regel', '..punt',
    ].join('\r\n'), ['a@x.example', 'b@x.example'])])
    const [newest] = await mails()
    assert.equal(newest.subject, 'Geen beveiligingsgroepen éë <script>')
    assert.equal(newest.body, 'Cliënt <script>alert(1)</script> lange regel\r\n.punt\r\n')
    assert.equal(newest.to, 'a@x.example, b@x.example')
    assert.equal(newest.headers['Auto-Submitted'], 'auto-generated')
    assert.equal(newest.tls, false)
    const list = await new Browser().get(at('mail'))
    assert.match(byId(list, `mail-${newest.id}`), /^Geen beveiligingsgroepen éë/)
    const page = await new Browser().get(at('mail', `/mail/${newest.id}`))
    assert.ok(!page.text.includes('<script>') && !list.text.includes('<script>'))
    assert.match(page.text, /Cliënt &lt;script&gt;/)
    // The time in Amsterdam, as mails tell it, wherever the simulator runs.
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Amsterdam', dateStyle: 'short', timeStyle: 'medium' }).format(newest.received_at * 1000)
    const [, day, month, year, time] = parts.match(/^(\d\d)\/(\d\d)\/(\d{4}), (\d\d:\d\d:\d\d)$/)
    assert.equal(byId(page, 'received'), `${day}-${month}-${year} ${time}`)
  })

  test('bytes that are not UTF-8 neither break the list nor the mail', async () => {
    await converse([[undefined, '220'], ['EHLO t\r\n', '250'], ['MAIL FROM:<a@x>\r\n', '250'], ['RCPT TO:<b@x>\r\n', '250'], ['DATA\r\n', '354'],
      [Buffer.from('Subject: caf\xe9\r\n\r\ncaf\xe9\r\n.\r\n', 'latin1'), '250']])
    const [newest] = await mails()
    assert.equal(newest.subject, null)
    assert.equal(newest.body, null)
    assert.match(byId(await new Browser().get(at('mail')), `mail-${newest.id}`), /^caf\ufffd$/)
  })

  test('STARTTLS with a certificate of the demo\'s CA; what was sent in the clear behind it is not believed', async () => {
    const plain = await converse([[undefined, '220'], ['EHLO test\r\n', '250'], ['STARTTLS\r\n', '220']])
    const secure = tls.connect({ socket: plain, servername: 'localhost', ca: readFileSync(path.join(folder, 'ca.crt')) })
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
    await converse(mail('Subject: veilig\r\n\r\nhoi'), secure)
    assert.equal((await mails())[0].tls, true)
    const smuggler = net.connect(2525 + offset, '127.0.0.1')
    await converse([[undefined, '220'], ['EHLO test\r\n', '250'], ['STARTTLS\r\nNOOP\r\n', undefined]], smuggler)
  })

  test('commands out of order, wrong paths and endless lines', async () => {
    await converse([
      [undefined, '220'], ['MAIL FROM:<a@x>\r\n', '503'], ['EHLO t\r\n', '250'], ['RCPT TO:<a@x>\r\n', '503'], ['DATA\r\n', '503'],
      ['MAIL FROM:a@x\r\n', '501'], ['MAIL FROM:<>\r\n', '250'], ['RCPT TO:<>\r\n', '501'], ['ONZIN\r\n', '502'], ['RSET\r\n', '250'], ['RCPT TO:<a@x>\r\n', '503'],
      [`NOOP ${'x'.repeat(3000)}\r\n`, undefined],
    ])
  })

  test('a message over 1 MiB is refused and not kept', async () => {
    const before = (await mails())[0].id
    await converse([[undefined, '220'], ['EHLO t\r\n', '250'], ['MAIL FROM:<a@x>\r\n', '250'], ['RCPT TO:<b@x>\r\n', '250'], ['DATA\r\n', '354'],
      [`${`${'y'.repeat(1000)}\r\n`.repeat(1100)}.\r\n`, '552'], ['QUIT\r\n', '221']])
    assert.equal((await mails())[0].id, before)
  })

  for (const [mode, steps] of [
    ['closed', [[undefined, '421']]],
    ['defer', [[undefined, '220'], ['EHLO t\r\n', '250'], ['MAIL FROM:<a@x>\r\n', '451']]],
    ['refuse', [[undefined, '220'], ['EHLO t\r\n', '250'], ['MAIL FROM:<a@x>\r\n', '250'], ['RCPT TO:<b@x>\r\n', '550']]],
    ['accept', [[undefined, '220'], ...mail('Subject: weer open\r\n\r\nja')]],
  ]) {
    test(`the server ${mode}s when told to`, async () => {
      await new Browser().post(at('mail', '/smtp'), { mode })
      await converse(steps)
    })
  }

  test('the last 200 are kept, and emptied on request', async () => {
    const one = mail('Subject: x\r\n\r\nx').slice(1, -1)
    await converse([[undefined, '220'], ['EHLO t\r\n', '250'], ...Array.from({ length: 203 }, () => one).flat()])
    assert.equal((await mails()).length, 200)
    await new Browser().post(at('mail', '/leeg'), {})
    assert.deepEqual(await mails(), [])
    assert.ok(byId(await new Browser().get(at('mail')), 'no-mails'))
  })
})
