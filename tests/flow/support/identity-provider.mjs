// An identity provider for patients: npm oidc-provider on http://idp.localhost, with a login page that answers by itself
// as a test has set it, or shows buttons to a person. What comes back from it can be spoiled, one rule at a time.
import { createHash, generateKeyPair, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { freePort } from './ports.mjs'

const KEY_ID = 'test-1'
const CALL_MS = 60000 // that this provider waits for an answer of its clients

function base64url(value) {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export function decodeToken(token) {
  const [header, payload, signature] = token.split('.')
  const read = (part) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: read(header), payload: read(payload), signature }
}

export function signToken({ header, payload }, key) {
  const input = `${base64url(header)}.${base64url(payload)}`
  if (header.alg === 'none') return `${input}.`
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`
}

export async function startIdentityProvider({ clientId, clientSecret, redirectUri, host = 'idp.localhost', clientAuth = 'client_secret_basic', claims = ['sub', 'bsn', 'acr', 'act'], logout, client = {}, isPkceRequired = true }) {
  // The library greets with warnings about its in-memory keeping, which is what a test wants.
  const { info, warn } = console
  console.info = console.warn = () => {}
  const { Provider, interactionPolicy } = await import('oidc-provider').then((module) => ({
    Provider: module.default ?? module.Provider, interactionPolicy: module.interactionPolicy }))

  const port = await freePort()
  const issuer = `http://${host}:${port}`
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  let strangerKey

  const idp = {
    issuer,
    port,
    clientId,
    clientSecret,
    redirectUri,
    privateKey,
    // A key that is not its own; most tests need none.
    get strangerKey() {
      return strangerKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    },
    // What the login page does: 'login', 'cancel', 'error:<code>' or 'page'. With `person` the BSN in the claim; an
    // object is used as the claims themselves.
    behaviour: { action: 'login', person: '999990019' },
    // Spoils the ID token: ({ header, payload }) => ({ header, payload, key? }) or a text.
    spoilIdToken: undefined,
    // Spoils the whole token answer: (body) => body; may set ctx.status.
    spoilAnswer: undefined,
    // The same for userinfo and for the metadata.
    spoilUserinfo: undefined,
    spoilMetadata: undefined,
    // The secrets that it takes at this moment; undefined = the one it was started with.
    secrets: undefined,
    userinfoMethods: [],
    clockOffset: 0,
    logins: 0,
    tokenCalls: 0,
    keyCalls: 0,
    seen: [], // authorization requests as they arrived
  }

  const policy = interactionPolicy.base()
  policy.get('login').checks.add(new interactionPolicy.Check('each_time', 'a login each time', (ctx) =>
    ctx.oidc.result?.login ? interactionPolicy.Check.NO_NEED_TO_PROMPT : interactionPolicy.Check.REQUEST_PROMPT))

  const people = new Map() // account id -> claims
  function accountFor(person) {
    const claims = typeof person === 'string' ? { bsn: person } : person
    const id = createHash('sha256').update(JSON.stringify(claims)).digest('base64url').slice(0, 20)
    people.set(id, claims)
    return id
  }

  const provider = new Provider(issuer, {
    clients: [{
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: clientAuth,
      id_token_signed_response_alg: 'RS256',
      // Where the relying party hears of a logout here, and where the browser goes after one.
      ...(logout && { backchannel_logout_uri: logout.backchannel, backchannel_logout_session_required: true, post_logout_redirect_uris: [logout.returns] }),
      ...client,
    }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: KEY_ID, use: 'sig', alg: 'RS256' }] },
    claims: { openid: claims },
    acrValues: ['midden', 'substantieel', 'hoog'],
    conformIdTokenClaims: false,
    pkce: { methods: ['S256'], required: () => isPkceRequired },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: Boolean(logout) }, backchannelLogout: { enabled: Boolean(logout) } },
    interactions: { policy, url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['test'] },
    httpOptions: () => ({ signal: AbortSignal.timeout(CALL_MS) }),
    ttl: { Interaction: 900, Session: 900, Grant: 900, IdToken: 300, AccessToken: 300, AuthorizationCode: 60 },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope(ctx.oidc.params.scope)
      await grant.save()
      return grant
    },
  })
  console.info = info
  console.warn = warn
  provider.on('server_error', (ctx, error) => idp.faults.push(error))
  idp.faults = []
  idp.provider = provider
  idp.logouts = [] // back-channel messages: 'taken', or why not
  provider.on('backchannel.success', () => idp.logouts.push('taken'))
  provider.on('backchannel.error', (ctx, error) => idp.logouts.push(error.message))
  const { compareClientSecret } = provider.Client.prototype
  provider.Client.prototype.compareClientSecret = function (actual) {
    return idp.secrets ? idp.secrets.includes(actual) : compareClientSecret.call(this, actual)
  }

  provider.use(async (ctx, next) => {
    if (ctx.path === '/auth' && ctx.query.client_id) idp.seen.push({ ...ctx.query })
    if (ctx.path === '/token') idp.tokenCalls++
    if (ctx.path === '/jwks') idp.keyCalls++
    if (ctx.path === '/me') idp.userinfoMethods.push(ctx.method)
    await next()
    if (ctx.path === '/me' && idp.spoilUserinfo) ctx.body = idp.spoilUserinfo(ctx.body, ctx)
    if (ctx.path.endsWith('/openid-configuration') && idp.spoilMetadata) ctx.body = idp.spoilMetadata(ctx.body, ctx)
    if (ctx.path !== '/token' || !ctx.body?.id_token) return
    const token = decodeToken(ctx.body.id_token)
    for (const claim of ['iat', 'exp', 'nbf', 'auth_time']) if (token.payload[claim] !== undefined) token.payload[claim] += idp.clockOffset
    const spoiled = idp.spoilIdToken ? idp.spoilIdToken(token, idp) : token
    if (spoiled) ctx.body.id_token = typeof spoiled === 'string' ? spoiled : signToken(spoiled, spoiled.key ?? privateKey)
    if (idp.spoilAnswer) ctx.body = idp.spoilAnswer(ctx.body, ctx)
  })

  const page = (uid) => `<!doctype html><html lang="nl"><title>Inloggen (test)</title><h1>Inloggen (test)</h1>
    ${['login', 'cancel', 'error:server_error'].map((action) => `<form method="post" action="/interaction/${uid}/${action}">
    <button id="${action.replace(':', '-')}">${action}</button></form>`).join('')}</html>`

  async function answerInteraction(request, response, action, person) {
    const login = () => ({ login: { accountId: accountFor(person ?? idp.behaviour.person), acr: idp.behaviour.acr, remember: false } })
    const result = action === 'login' ? login()
      : { error: action === 'cancel' ? 'access_denied' : action.slice('error:'.length), error_description: 'set by the test' }
    if (action === 'login') idp.logins++
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }

  const callback = provider.callback()
  const server = createServer(async (request, response) => {
    try {
      const [, , uid, wanted] = new URL(request.url, issuer).pathname.split('/')
      if (!request.url.startsWith('/interaction/')) return callback(request, response)
      const behaviour = typeof idp.behaviour === 'function' ? idp.behaviour(uid) : idp.behaviour
      if (wanted) return await answerInteraction(request, response, decodeURIComponent(wanted))
      if (behaviour.action !== 'page') return await answerInteraction(request, response, behaviour.action, behaviour.person)
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page(uid))
    } catch (error) {
      idp.faults.push(error)
      response.writeHead(500).end('test identity provider failed')
    }
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))

  idp.stop = () => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  // Goes off the air, and comes back on the same port.
  idp.resume = () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return idp
}
