// Node-RED loads this file by name; the node itself is in lib/incident-node.ts.
export { default } from './lib/incident-node.ts'
