// Who people are to the system, and what each role may do. The API checks these; the page hides what is not allowed.

export const ROLES = ['admin', 'officer', 'engineer', 'approver', 'viewer', 'station'] as const
export type Role = (typeof ROLES)[number]

export const SCOPES = [
  'read',
  'alarms:raise',
  'alarms:handle',
  'incidents:handle',
  'observations:write',
  'orders:own',
  'resources:write',
  'devices:write',
  'devices:command',
  'rules:write',
  'flows:read',
  'flows:write',
  'flows:approve',
  'commands:request',
  'quarantine:write',
  'feed',
  'audit:read',
  'users:write',
] as const
export type Scope = (typeof SCOPES)[number]

export const SCOPES_OF: Record<Role, readonly Scope[]> = {
  admin: SCOPES,
  officer: [
    'read',
    'alarms:raise',
    'alarms:handle',
    'incidents:handle',
    'observations:write',
    'orders:own',
    'resources:write',
    'devices:command',
    'flows:read',
  ],
  engineer: ['read', 'rules:write', 'flows:read', 'flows:write', 'quarantine:write', 'feed', 'devices:write', 'devices:command'],
  /** puts what engineers made into force; makes nothing by itself */
  approver: ['read', 'rules:write', 'flows:read', 'flows:approve', 'audit:read'],
  viewer: ['read', 'flows:read'],
  station: ['orders:own', 'read'],
}

/** Who is asking: a person with a role, or a service token with scopes. */
export type Principal = { name: string; kind: 'user' | 'token'; role?: Role; scopes: readonly Scope[] }
