// The authorization request (spec 3.1 to 3.5): which faults end in a page and which are told to the PGO.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { Browser, exchange, startHouse, visibleText } from './harness.mjs'
import { assertBack, assertErrorPageWithoutLink, assertPage, assertTechnicalFailure, check, eventsOf } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('authorize') })
after(() => house.stop())

const SCOPE = 'huisartsdeduinen'

async function ask(changes, scope = SCOPE, options = {}) {
  return house.journey(scope, { changes, ...options }).open()
}

// ---- exception 1a: the client or its redirect URI ----

const unsafe = {
  'a missing client_id': { client_id: undefined },
  'an empty client_id': { client_id: '' },
  'an unknown client_id': { client_id: 'evil.localhost' },
  'a client_id that is a URL': { client_id: 'http://pgo.localhost' },
  'a client_id in capitals': { client_id: 'PGO.LOCALHOST' },
  'a client_id with a trailing dot': { client_id: 'pgo.localhost.' },
  'a repeated client_id': { client_id: ['pgo.localhost', 'pgo.localhost'] },
  'a missing redirect_uri': { redirect_uri: undefined },
  'an empty redirect_uri': { redirect_uri: '' },
  'a repeated redirect_uri': { redirect_uri: ['http://pgo.localhost/a', 'http://pgo.localhost/a'] },
  'a relative redirect_uri': { redirect_uri: '/callback' },
  'a redirect_uri without a host': { redirect_uri: 'http:///callback' },
  'a redirect_uri on another host': { redirect_uri: 'http://evil.localhost/callback' },
  'a redirect_uri on a host that begins with the client': { redirect_uri: 'http://pgo.localhost.evil.example/callback' },
  'a redirect_uri on a host that ends with the client': { redirect_uri: 'http://evilpgo.localhost/callback' },
  'a redirect_uri on a subdomain of the client': { redirect_uri: 'http://evil.pgo.localhost/callback' },
  'a redirect_uri with the client as user': { redirect_uri: 'http://pgo.localhost@evil.example/callback' },
  'a redirect_uri with a user': { redirect_uri: 'http://evil@pgo.localhost/callback' },
  'a redirect_uri with a query': { redirect_uri: 'http://pgo.localhost/callback?a=b' },
  'a redirect_uri with a fragment': { redirect_uri: 'http://pgo.localhost/callback#a' },
  'a redirect_uri with a backslash': { redirect_uri: 'http://evil.example\\@pgo.localhost/' },
  'a redirect_uri with a line break': { redirect_uri: 'http://pgo.localhost/a\r\nX-Evil: 1' },
  'a redirect_uri with a space': { redirect_uri: 'http://pgo.localhost/a b' },
  'a javascript redirect_uri': { redirect_uri: 'javascript://pgo.localhost/%0aalert(1)' },
  'an ftp redirect_uri': { redirect_uri: 'ftp://pgo.localhost/callback' },
}
for (const [name, changes] of Object.entries(unsafe)) {
  check(`3.5 authint 1a: ${name} gives an error page without a link`, async () => {
    const journey = await ask(changes)
    assertErrorPageWithoutLink(journey.page)
    assert.deepEqual(eventsOf(house, journey).filter((type) => type !== 'receive_authorization_request'),
      ['authorization_request_error', 'show_authorization_request_error_page'])
  })
}

check('3.5 authint 1a: plain http outside development hosts is no redirect_uri', async () => {
  assertErrorPageWithoutLink((await ask({ redirect_uri: 'http://pgo.example/callback', client_id: 'pgo.example' })).page)
})

check('3.5 authint 1a: the page says what is wrong: the PGO, the way back, or the request', async () => {
  assertPage((await ask({ client_id: 'evil.localhost' })).page, 400, 'Deze PGO is niet bekend bij MedMij')
  assertPage((await ask({ redirect_uri: '/callback' })).page, 400, 'Het adres om terug te gaan')
  for (const client_id of [undefined, '', ['pgo.localhost', 'pgo.localhost']]) assertPage((await ask({ client_id })).page, 400, 'De PGO heeft een aanvraag gestuurd die niet klopt')
})

// ---- exception 1b: everything else ----

const told = (names, changes, error = 'invalid_request') => ({ names, changes, error })
const faults = {
  'a missing response_type': told('invalid_request', { response_type: undefined }),
  'a repeated response_type': told('invalid_request', { response_type: ['code', 'code'] }),
  'a missing scope': told('invalid_request', { scope: undefined }),
  'a repeated scope': told('invalid_request', { scope: [SCOPE, SCOPE] }),
  'a missing MedMij-Request-ID': told('invalid_request', { 'MedMij-Request-ID': undefined }),
  'a MedMij-Request-ID that is no UUID': told('invalid_request', { 'MedMij-Request-ID': 'not-a-uuid' }),
  'a repeated MedMij-Request-ID': told('invalid_request', { 'MedMij-Request-ID': [randomUUID(), randomUUID()] }),
  'a missing X-Correlation-ID': told('invalid_request', { 'X-Correlation-ID': undefined }),
  'an X-Correlation-ID that is no UUID': told('invalid_request', { 'X-Correlation-ID': `${randomUUID()}0` }),
}
for (const [name, { changes, error }] of Object.entries(faults)) {
  check(`3.5 authint 1b: ${name} is told to the PGO as ${error}`, async () => {
    const journey = await ask(changes)
    assertBack(journey, { error, state: journey.request.state })
    if (!('MedMij-Request-ID' in changes)) assert.ok(eventsOf(house, journey).includes('send_authorization_request_error'))
  })
}

const badStates = {
  'no state': undefined, 'an empty state': '', 'a repeated state': ['een', 'twee'], 'a state of 513 characters': 'x'.repeat(513), 'a state with a line break': 'a\nb',
}
for (const [name, state] of Object.entries(badStates)) {
  check(`3.5 authint 1b: ${name} is told to the PGO as invalid_request, and not echoed`, async () => {
    const journey = await ask({ state })
    assertBack(journey, { error: 'invalid_request' })
  })
}

check('3.5 authint 1b: a state that is not UTF-8 is told to the PGO as invalid_request', async () => {
  const journey = house.journey(SCOPE)
  journey.request.url = journey.request.url.replace(/state=[^&]*/, 'state=%ff%fe')
  await journey.open()
  assertBack(journey, { error: 'invalid_request' })
})

for (const type of ['token', 'id_token', 'code token', 'CODE', '']) {
  check(`3.5 authint 1b: response_type "${type}" is unsupported_response_type`, async () => {
    const journey = await ask({ response_type: type })
    assertBack(journey, { error: 'unsupported_response_type', state: journey.request.state })
  })
}

const badScopes = {
  'an empty scope': '',
  'a scope outside the grammar': 'Huisarts!',
  'a scope with a trailing space': `${SCOPE} `,
  'a scope in capitals': 'HUISARTSDEDUINEN',
  'the full name with @medmij': `${SCOPE}@medmij`,
  'a scope longer than allowed': 'a'.repeat(3000),
  'a provider that is not served here': 'onbekendeaanbieder',
  'a provider that is served but not in the provider list': 'praktijkbuitendelijst',
  'a service that the provider does not offer': `${SCOPE}~54`,
  'a service to collect in the form of share': `${SCOPE}~48`,
  'a service without a name in the list of names': 'praktijkzondernaam~77',
  'share of two services': `${SCOPE}~53 ${SCOPE}~54`,
  'a subscription that is not offered': `subscribe~30/${SCOPE}~48`,
  'a subscription without days': `subscribe~/${SCOPE}~49`,
  'a subscription of negative days': `subscribe~-1/${SCOPE}~49`,
  'a subscription with leading zeros': `subscribe~030/${SCOPE}~49`,
  'a subscription of far too many days': `subscribe~9999999/${SCOPE}~49`,
}
for (const [name, scope] of Object.entries(badScopes)) {
  check(`3.5 authint 1b: ${name} is invalid_scope`, async () => {
    const journey = await ask({}, scope)
    assertBack(journey, { error: 'invalid_scope', state: journey.request.state })
  })
}

check('3.5 authint 1b: a client whose services exclude this provider is unauthorized_client', async () => {
  const pgo = house.makePgo('beperkt.localhost', house.certificates.pgo)
  const journey = await ask({}, SCOPE, { pgo })
  assertBack(journey, { error: 'unauthorized_client', state: journey.request.state })
})

check('3.5 authint 1b: a client that may not share this service is unauthorized_client', async () => {
  const pgo = house.makePgo('ander.localhost', house.certificates.other)
  const journey = await ask({}, `${SCOPE}~53`, { pgo })
  assertBack(journey, { error: 'unauthorized_client', state: journey.request.state })
})

for (const modifier of ['onbehalfof', 'onbehalfofchild']) {
  check(`3.5 representation mismatch (vert 1): ${modifier}, which is not offered here, stops the flow before a login`, async () => {
    const logins = house.idp.logins
    const journey = await ask({}, `${SCOPE} ${modifier}`)
    assertBack(journey, { error: 'invalid_scope', state: journey.request.state })
    assert.equal(house.idp.logins, logins)
  })
}

check('3.5 every redirect repeats the state byte for byte', async () => {
  for (const state of ['a', 'x'.repeat(512), `~!*'();:@&=+$,/?#[]% "<>\\^\`{|}`, '%41%2B']) {
    const journey = await ask({ response_type: 'token', state })
    assert.equal(journey.answer.state, state)
  }
})

check('3.5 a redirect keeps the redirect_uri as it was sent, with or without a path', async () => {
  for (const uri of ['http://pgo.localhost', `http://pgo.localhost:${house.ports.pgo}`, 'http://pgo.localhost/', 'http://pgo.localhost/a/b.c~d', 'https://pgo.localhost/x']) {
    const answer = await new Browser().get(house.pgo.start(SCOPE, { redirect_uri: uri, response_type: 'token' }).url)
    assert.equal(answer.status, 303)
    assert.ok(answer.headers.location.startsWith(`${uri}?error=unsupported_response_type&state=`), answer.headers.location)
  }
})

// ---- what is allowed ----

check('3.1 unknown parameters are ignored', async () => {
  const journey = await ask({ foo: 'bar', code_challenge: 'x', nonce: ['1', '2'], request: 'evil', bsn: 'nee' })
  assertPage(journey.page, 200, 'Huisartsenpraktijk De Duinen')
})

check('3.1 the framework sends parameters in any order, with any encoding of the same text', async () => {
  const { url } = house.pgo.start(SCOPE)
  const reversed = new URL(url)
  reversed.search = [...new URL(url).searchParams].reverse().map(([name, value]) => `${name}=${[...value].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`).join('&')
  assertPage(await new Browser().get(reversed.href), 200)
})

check('3.1 POST to the authorization endpoint is 405 with Allow', async () => {
  const { url } = house.pgo.start(SCOPE)
  const answer = await new Browser().post(`${house.frontUrl}/oauth/authorize`, new URL(url).search.slice(1))
  assert.equal(answer.status, 405)
  assert.match(answer.headers.allow, /\bGET\b/)
})

check('3.1 HEAD answers as GET without a body', async () => {
  const answer = await new Browser().request(house.pgo.start(SCOPE).url, { method: 'HEAD' })
  assert.equal(answer.status, 200)
  assert.equal(answer.bytes.length, 0)
})

check('3.1 the ids are echoed on the landing page response', async () => {
  const journey = await ask()
  assert.equal(journey.page.headers['medmij-request-id'], journey.request.requestId)
  assert.equal(journey.page.headers['x-correlation-id'], journey.request.correlationId)
  const malformed = await ask({ 'MedMij-Request-ID': 'not-a-uuid' })
  assert.equal(malformed.page.headers['medmij-request-id'], undefined)
})

check('3.3 the legacy scope of pairs is taken only from a provider that is set to it', async () => {
  assertPage((await ask({}, 'praktijkoud~48')).page, 200)
  assertPage((await ask({}, 'praktijkoud~48 praktijkoud~49')).page, 200)
  const journey = await ask({}, 'praktijkoud~48 huisartsdeduinen~49')
  assertBack(journey, { error: 'invalid_scope', state: journey.request.state })
})

check('7.5 collect leaves out a service that has no name in the list', async () => {
  const journey = await house.login('praktijkzondernaam')
  assertPage(journey.page, 200, 'Basisgegevens Zorg')
  assert.doesNotMatch(visibleText(journey.page.text), /\b77\b/)
})

// ---- bad input ----

check('bad input: an address longer than allowed is 414 and the server keeps serving', async () => {
  const answer = await exchange(`${house.pgo.start(SCOPE).url}&x=${'a'.repeat(20000)}`)
  assert.ok([400, 414, 431].includes(answer.status), String(answer.status))
  assertPage((await ask()).page, 200)
})

check('bad input: more parameters than allowed give an error page', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, '1']))
  const journey = await ask(many)
  assert.equal(journey.page.status, 400)
})

check('bad input: broken percent signs and NUL elsewhere do no harm', async () => {
  const { url } = house.pgo.start(SCOPE)
  for (const tail of ['&x=%', '&x=%zz', '&%00=1', '&x=%00', '&&&', '&=', '&\xff=1']) {
    const answer = await exchange(url, { target: `/oauth/authorize${new URL(url).search}${tail}` })
    assert.equal(answer.status, 200, tail)
  }
})

check('bad input: a body over the limit is 413', async () => {
  const answer = await new Browser().post(`${house.frontUrl}/oauth/login`, `request=${'a'.repeat(100000)}`)
  assert.equal(answer.status, 413)
})

check('bad input: paths that are not there are 404, on their own listener only', async () => {
  for (const path of ['/', '/nergens', '/oauth/', '/oauth/authorize/', '/OAUTH/authorize', '/../etc/passwd', '/static/../sluis.yaml', '/static/%2e%2e/%2e%2e/etc/passwd', '/oauth/token', '/oauth/introspect', '/metrics', '/healthz']) {
    const answer = await exchange(house.frontUrl, { target: path })
    assert.ok([404, 400].includes(answer.status), `${path}: ${answer.status}`)
  }
  for (const path of ['/oauth/authorize', '/oauth/introspect', '/metrics']) {
    assert.equal((await house.pgo.raw(path, undefined, { method: 'GET' })).status, 404, path)
  }
  for (const path of ['/oauth/authorize', '/oauth/token', '/oauth/login']) {
    assert.equal((await exchange(`${house.internalUrl}${path}`)).status, 404, path)
  }
})

check('nothing is written to the store before the login button is pressed', async () => {
  const count = () => house.store.query('SELECT count(*) FROM flow').trim()
  const earlier = count()
  const journey = await ask()
  assert.equal(count(), earlier)
  await journey.loginUntilCallback()
  assert.equal(Number(count()), Number(earlier) + 1)
})

check('3.5 maintenance or overload: a store that is away gives Technische storing, with temporarily_unavailable on the link', async () => {
  const journey = await ask()
  house.store.execute('ALTER TABLE flow RENAME TO flow_away')
  try {
    await journey.login()
    assertTechnicalFailure(journey, { status: 503, error: 'temporarily_unavailable' })
  } finally {
    house.store.execute('ALTER TABLE flow_away RENAME TO flow')
  }
  const again = await house.login(SCOPE)
  assertPage(again.page, 200, 'Toestemming geven')
})
