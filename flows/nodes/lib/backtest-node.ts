// fire-backtest: carries the scenarios of its tab, which the gate runs before every deploy, and is the button that tries the tab on what was
// recorded. It stands beside the flow, not in it: no message ever passes it.
import type { Red, RedNode } from './red.ts'

export default function (red: Red): void {
  function FireBacktest(this: RedNode, config: object): void {
    red.nodes.createNode(this, config)
  }
  red.nodes.registerType('fire-backtest', FireBacktest)
}
