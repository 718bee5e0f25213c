// Node-RED loads this file by name; the node itself is in lib/backtest-node.ts.
export { default } from './lib/backtest-node.ts'
