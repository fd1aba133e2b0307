// The PGO: oauth4webapi over undici with the PGO's certificate. `raw` calls the same endpoints with whatever a test
// wants to send.
import { randomUUID, webcrypto } from 'node:crypto'
import { Agent, fetch } from 'undici'
import { exchange } from './browser.mjs'
import { lookupLoopback } from './ports.mjs'

globalThis.crypto ??= webcrypto
const oauth = await import('oauth4webapi')

export class Pgo {
  // `certificate` { cert, key }, `ca`, `frontUrl`, `backUrl`
  constructor({ host, redirectUri, certificate, ca, frontUrl, backUrl }) {
    Object.assign(this, { host, redirectUri, certificate, ca, frontUrl, backUrl })
    this.client = { client_id: host }
    this.agent = new Agent({
      connect: { ...certificate, ca, lookup: lookupLoopback, timeout: 60000 },
      headersTimeout: 60000, bodyTimeout: 60000,
    })
    this.plain = new Agent({ connect: { lookup: lookupLoopback, timeout: 60000 }, headersTimeout: 60000, bodyTimeout: 60000 })
  }

  async close() {
    await this.agent.destroy()
    await this.plain.destroy()
  }

  async discover() {
    if (this.server) return this.server
    const issuer = new URL(this.frontUrl)
    const answer = await oauth.discoveryRequest(issuer, {
      algorithm: 'oauth2',
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, options) => fetch(url, { ...options, dispatcher: this.plain }),
    })
    this.server = await oauth.processDiscoveryResponse(issuer, answer)
    return this.server
  }

  // An authorization request: { url, state, requestId, correlationId }. `changes` overrides parameters; undefined
  // leaves one out, an array repeats it.
  start(scope, changes = {}) {
    const state = oauth.generateRandomState()
    const parameters = {
      response_type: 'code',
      client_id: this.host,
      redirect_uri: this.redirectUri,
      scope,
      state,
      'MedMij-Request-ID': randomUUID(),
      'X-Correlation-ID': randomUUID(),
      ...changes,
    }
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters)) {
      for (const one of [value].flat()) if (one !== undefined) query.append(name, one)
    }
    return {
      url: `${this.frontUrl}/oauth/authorize?${query}`,
      state: parameters.state,
      requestId: parameters['MedMij-Request-ID'],
      correlationId: parameters['X-Correlation-ID'],
      redirectUri: parameters.redirect_uri,
    }
  }

  options(correlationId) {
    return {
      headers: { 'MedMij-Request-ID': randomUUID(), 'X-Correlation-ID': correlationId },
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, options) => fetch(url, { ...options, dispatcher: this.agent }),
    }
  }

  // From the address that the browser was sent back to, to tokens. Throws what the library throws.
  async redeem(request, backUrl) {
    const server = await this.discover()
    const parameters = oauth.validateAuthResponse(server, this.client, new URL(backUrl), request.state)
    const answer = await oauth.authorizationCodeGrantRequest(server, this.client, oauth.TlsClientAuth(), parameters,
      request.redirectUri, oauth.nopkce, this.options(request.correlationId))
    return oauth.processAuthorizationCodeResponse(server, this.client, answer)
  }

  async refresh(refreshToken) {
    const server = await this.discover()
    const answer = await oauth.refreshTokenGrantRequest(server, this.client, oauth.TlsClientAuth(), refreshToken, this.options(randomUUID()))
    return oauth.processRefreshTokenResponse(server, this.client, answer)
  }

  async revoke(token) {
    const server = await this.discover()
    const answer = await oauth.revocationRequest(server, this.client, oauth.TlsClientAuth(), token, this.options(randomUUID()))
    return oauth.processRevocationResponse(answer)
  }

  // `certificate` null shows none; left out, it is the PGO's own.
  tls(certificate = this.certificate) {
    return { ...certificate, ca: this.ca, servername: 'localhost' }
  }

  // A bare call: { status, json, headers, text }.
  async raw(path, fields, { headers = {}, certificate, method = 'POST', body, correlationId, target, agent } = {}) {
    const answer = await exchange(`${this.backUrl}${path}`, {
      method,
      target,
      agent,
      body: body ?? (fields === undefined ? undefined : encodeFields(fields)),
      headers: withoutUndefined({
        'Content-Type': 'application/x-www-form-urlencoded',
        'MedMij-Request-ID': randomUUID(),
        'X-Correlation-ID': correlationId ?? randomUUID(),
        ...headers,
      }),
      tls: this.tls(certificate),
    })
    let json
    try {
      json = JSON.parse(answer.text)
    } catch {
      json = undefined
    }
    return { ...answer, json }
  }

  codeFields(request, code, changes = {}) {
    return { grant_type: 'authorization_code', code, client_id: this.host, redirect_uri: request.redirectUri, ...changes }
  }

  // The token request for a code, bare.
  rawRedeem(request, code, changes = {}, options = {}) {
    return this.raw('/oauth/token', this.codeFields(request, code, changes), { correlationId: request.correlationId, ...options })
  }

  rawRefresh(refreshToken, changes = {}, options = {}) {
    return this.raw('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: this.host, ...changes }, options)
  }
}

function encodeFields(fields) {
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) if (one !== undefined) body.append(name, one)
  return body.toString()
}

function withoutUndefined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
