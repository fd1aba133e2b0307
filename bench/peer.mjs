// npm oidc-provider as a peer for complete authorizations: one process, its own in-memory adapter (no disk at all) and its
// own interaction pages. Usage: node bench/peer.mjs PORT; prints "ready" when it listens.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const port = Number(process.argv[2])
const root = path.dirname(path.dirname(new URL(import.meta.url).pathname))
const require = createRequire(path.join(root, 'tests', 'package.json'))
console.warn = console.info = () => {} // it greets with warnings about its in-memory keeping, which is what is wanted here
const module = await import(pathToFileURL(require.resolve('oidc-provider')))
const Provider = module.default ?? module.Provider

const provider = new Provider(`http://peer.localhost:${port}`, {
  clients: [{
    client_id: 'bench',
    client_secret: 'bench-secret',
    redirect_uris: ['https://pgo.localhost/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  cookies: { keys: ['bench'] },
  features: { devInteractions: { enabled: true } },
  ttl: { Interaction: 900, Session: 900, Grant: 900, IdToken: 300, AccessToken: 300, AuthorizationCode: 60 },
})
provider.on('server_error', (ctx, error) => console.error(error))
provider.listen(port, '127.0.0.1', () => console.log('ready'))
process.on('SIGTERM', () => process.exit(0))
