// Node-RED loads this file by name; the node itself is in lib/alert-node.ts.
export { default } from './lib/alert-node.ts'
