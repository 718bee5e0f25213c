// People and service tokens over HTTP, for administrators: added, given another role, disabled, given another password, removed. A
// password or a token that was made here is answered once and stands nowhere else; nobody locks himself out.
import { FengsuiError } from '#contracts/errors.ts'
import { ROLES, SCOPES, type Role, type Scope } from '#contracts/people.ts'
import type { Audit } from './audit.ts'
import { callerOf } from './auth.ts'
import { answers } from './errors.ts'
import { flag, list, object, oneOf, text, time, type App } from './schema.ts'

type User = { username: string; role: Role; createdAt: string; disabled: boolean }
export type UserParts = {
  accounts: {
    listUsers(): User[]
    addUser(username: string, role: Role, password?: string): Promise<{ username: string; password: string }>
    changeUser(username: string, o: { role?: Role; disabled?: boolean }): User
    setPassword(username: string, password?: string): Promise<{ username: string; password: string }>
    removeUser(username: string): boolean
    listTokens(): { name: string; scopes: Scope[]; createdAt: string }[]
    issueToken(name: string, scopes: readonly Scope[]): { token: string }
    revokeToken(name: string): boolean
  }
  audit: Audit
}

const tags = ['people']
const byName = object({ name: text({ maxLength: 64 }) })
const password = text({ minLength: 10, maxLength: 256, description: 'default: one is made, and answered once' })
const user = object({ username: text(), role: oneOf(ROLES), createdAt: time(), disabled: flag() })
const withPassword = object({ username: text() }, { password: text({ description: 'only where it was made here' }) })

export function userRoutes(app: App, { accounts, audit }: UserParts): void {
  function notOneself(request: Parameters<Audit>[0], name: string, what: string): void {
    const caller = callerOf(request)
    if (caller.kind === 'user' && caller.name.toLowerCase() === name.toLowerCase())
      throw new FengsuiError('conflict', `nobody may ${what} the account that asks for it; let another administrator do it`)
  }

  app.get(
    '/api/v1/users',
    {
      config: { scope: 'users:write' },
      schema: { summary: 'The people who may log in', tags, response: answers({ 200: object({ users: list(user) }) }) },
    },
    async () => ({ users: accounts.listUsers() }),
  )

  app.post('/api/v1/users', {
    config: { scope: 'users:write' },
    schema: {
      summary: 'Add a person; a password that is made here is answered once',
      tags,
      body: object({ username: text({ minLength: 1, maxLength: 64 }), role: oneOf(ROLES) }, { password }),
      response: answers({ 201: withPassword }),
    },
    handler: async (request, reply) => {
      const { username, role, password: given } = request.body
      const made = await accounts.addUser(username, role, given)
      audit(request, 'user.add', username, { role })
      return reply.code(201).send(given === undefined ? made : { username })
    },
  })

  app.patch('/api/v1/users/:name', {
    config: { scope: 'users:write' },
    schema: {
      summary: 'Another role, or disabled: a disabled person cannot log in and is logged out at once',
      tags,
      params: byName,
      body: object({}, { role: oneOf(ROLES), disabled: flag() }, { minProperties: 1 }),
      response: answers({ 200: user }),
    },
    handler: async request => {
      const { name } = request.params
      notOneself(request, name, 'change the role of or disable')
      const changed = accounts.changeUser(name, request.body)
      audit(request, 'user.change', changed.username, request.body)
      return changed
    },
  })

  app.post('/api/v1/users/:name/password', {
    config: { scope: 'users:write' },
    schema: {
      summary: 'Another password; all sessions of that person end',
      tags,
      params: byName,
      body: object({}, { password }),
      response: answers({ 201: withPassword }),
    },
    handler: async (request, reply) => {
      const { name } = request.params
      const given = request.body.password
      const made = await accounts.setPassword(name, given)
      audit(request, 'user.password', name)
      return reply.code(201).send(given === undefined ? made : { username: made.username })
    },
  })

  app.delete('/api/v1/users/:name', {
    config: { scope: 'users:write' },
    schema: {
      summary: 'Remove a person; never the last administrator',
      tags,
      params: byName,
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { name } = request.params
      notOneself(request, name, 'remove')
      if (!accounts.removeUser(name)) throw new FengsuiError('not-found', `there is no user ${name}`)
      audit(request, 'user.remove', name)
      return reply.code(204).send()
    },
  })

  tokenRoutes(app, { accounts, audit })
}

function tokenRoutes(app: App, { accounts, audit }: UserParts): void {
  app.get(
    '/api/v1/tokens',
    {
      config: { scope: 'users:write' },
      schema: {
        summary: 'Service tokens, without the tokens',
        tags,
        response: answers({ 200: object({ tokens: list(object({ name: text(), scopes: list(oneOf(SCOPES)), createdAt: time() })) }) }),
      },
    },
    async () => ({ tokens: accounts.listTokens() }),
  )

  app.post('/api/v1/tokens', {
    config: { scope: 'users:write' },
    schema: {
      summary: 'Make a service token, answered once; one of the same name is replaced',
      tags,
      body: object({ name: text({ minLength: 1, maxLength: 64 }), scopes: list(oneOf(SCOPES), { minItems: 1, maxItems: SCOPES.length }) }),
      response: answers({ 201: object({ name: text(), token: text() }) }),
    },
    handler: async (request, reply) => {
      const { name, scopes } = request.body
      const { token } = accounts.issueToken(name, scopes)
      audit(request, 'token.add', name, { scopes })
      return reply.code(201).send({ name, token })
    },
  })

  app.delete('/api/v1/tokens/:name', {
    config: { scope: 'users:write' },
    schema: { summary: 'Make a service token void', tags, params: byName, response: answers({ 204: { type: 'null' } }) },
    handler: async (request, reply) => {
      const { name } = request.params
      if (!accounts.revokeToken(name)) throw new FengsuiError('not-found', `there is no token ${name}`)
      audit(request, 'token.revoke', name)
      return reply.code(204).send()
    },
  })
}
