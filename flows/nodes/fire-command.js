// Node-RED loads this file by name; the node itself is in lib/command-node.ts.
export { default } from './lib/command-node.ts'
