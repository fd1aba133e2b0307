// PKCE towards the PGO, which the framework does not ask for and the configuration can switch on (spec 3.11).
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before } from 'node:test'
import { startHouse } from './harness.mjs'
import { assertBack, assertTokenError, check } from './support/checks.mjs'

let house
before(async () => { house = await startHouse('pkce', { conf: { medmij: { pkce: true } } }) })
after(() => house.stop())

const ask = (changes) => house.journey('huisartsdeduinen', { changes }).open()

async function withCode(challenge) {
  const journey = await ask(challenge)
  await journey.login()
  await journey.give()
  return journey
}

const verifier = randomBytes(32).toString('base64url')
const challenge = { code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' }

check('3.11 PKCE: a code that was bound to a challenge works with its verifier', async () => {
  const { request, answer } = await withCode(challenge)
  assert.equal((await house.pgo.rawRedeem(request, answer.code, { code_verifier: verifier })).status, 200)
})

for (const [name, fields] of Object.entries({ 'no verifier': {}, 'another verifier': { code_verifier: randomBytes(32).toString('base64url') } })) {
  check(`3.11 PKCE: a code that was bound to a challenge does not work with ${name}`, async () => {
    const { request, answer } = await withCode(challenge)
    assertTokenError(await house.pgo.rawRedeem(request, answer.code, fields), 400, 'invalid_grant')
  })
}

check('3.11 PKCE: without a challenge nothing is asked, and a verifier is ignored', async () => {
  const { request, answer } = await withCode({})
  assert.equal((await house.pgo.rawRedeem(request, answer.code, { code_verifier: verifier })).status, 200)
})

const wrong = {
  'the method plain': { ...challenge, code_challenge_method: 'plain' },
  'no method': { code_challenge: challenge.code_challenge },
  'a method without a challenge': { code_challenge_method: 'S256' },
  'a challenge that is too short': { ...challenge, code_challenge: 'x' },
  'a challenge that begins with a line break': { ...challenge, code_challenge: `\n${challenge.code_challenge.slice(1)}` },
  'a repeated challenge': { ...challenge, code_challenge: [challenge.code_challenge, challenge.code_challenge] },
}
for (const [name, changes] of Object.entries(wrong)) {
  check(`3.11 PKCE: ${name} is told to the PGO as invalid_request`, async () => {
    const journey = await ask(changes)
    assertBack(journey, { error: 'invalid_request', state: journey.request.state })
  })
}
