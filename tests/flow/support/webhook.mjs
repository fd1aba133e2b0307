// The back end of a provider that is asked whether it has data of a person, and answers as a test has set it.
import { createServer } from 'node:http'
import { freePort } from './ports.mjs'

export async function startWebhook() {
  const port = await freePort()
  const webhook = {
    url: `http://webhaak.localhost:${port}/beschikbaarheid`,
    questions: [], // { authorization, body }
    // (question) => { status, json | text, delayMs }
    answer: undefined,
  }
  const server = createServer((request, response) => {
    const pieces = []
    request.on('data', (piece) => pieces.push(piece))
    request.on('end', async () => {
      const text = Buffer.concat(pieces).toString()
      const question = { path: request.url, authorization: request.headers.authorization, body: text ? JSON.parse(text) : undefined }
      webhook.questions.push(question)
      const { status = 200, json, text: raw, delayMs = 0 } = (await webhook.answer?.(question)) ?? { status: 500 }
      setTimeout(() => {
        response.writeHead(status, { 'Content-Type': 'application/json' })
        response.end(raw ?? JSON.stringify(json ?? {}))
      }, delayMs).unref()
    })
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  webhook.stop = () => new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  webhook.resume = () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return webhook
}

// The answers of a back end, as functions of the question.
const verdicts = (judge, extra = {}) => ({ body }) => ({ json: { services: body.services.map((id) => ({ id, available: judge(id) })), ...extra } })

export const answers = {
  all: () => verdicts(() => true),
  only: (...services) => verdicts((id) => services.includes(id)),
  none: () => verdicts(() => false),
  noRelation: () => verdicts(() => false, { reason: 'no_relation' }),
  tooYoung: () => verdicts(() => false, { reason: 'too_young' }),
}
