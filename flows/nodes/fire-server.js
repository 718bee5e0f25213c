// Node-RED loads this file by name; the node itself is in lib/server-node.ts.
export { default } from './lib/server-node.ts'
