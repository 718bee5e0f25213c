// The editor's sidebar for what comes after a deploy: the revision in force, the candidate in shadow, what it would have missed and added, and the
// buttons of the approver. Asks the dashboard's API and decides nothing. Also says in plain words what the gate answered to a deploy.
{
  const isChinese = () => (RED.i18n.lang() ?? navigator.language).startsWith('zh')
  const words = {
    title: ['发布', 'Release'],
    refresh: ['刷新', 'Refresh'],
    inForce: ['现行版本', 'In force'],
    none: ['没有候选版本', 'There is no candidate'],
    candidate: ['旁路试运行的候选', 'Candidate in shadow'],
    by: ['提交人', 'Proposed by'],
    since: ['自', 'Since'],
    changes: ['改动', 'Changes'],
    scenarios: ['场景', 'Scenarios'],
    alarms: ['试运行报警', 'Alarms in shadow'],
    same: ['与现行相同', 'The same as in force'],
    missed: ['会漏报', 'Would have missed'],
    added: ['会多报', 'Would have added'],
    approve: ['发布', 'Put into force'],
    withdraw: ['撤回', 'Withdraw'],
    done: ['已发布', 'It is in force'],
    withdrawn: ['已撤回', 'It was withdrawn'],
    forbidden: ['没有权限:候选版本由另一位审批人发布', 'You may not: another approver puts a candidate into force'],
    conflict: ['候选版本已更换或撤回,请刷新', 'The candidate was replaced or taken back: refresh'],
  }
  const word = key => words[key][isChinese() ? 0 : 1]
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties)
    element.append(...children)
    return element
  }
  const api = async (path, method = 'GET', body) => {
    const response = await fetch(`${location.origin}/api/v1/flows${path}`, {
      method,
      headers: {
        'accept-language': RED.i18n.lang() ?? navigator.language,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const answer = await response.json().catch(() => ({}))
    if (!response.ok) throw new Error(words[answer.code] === undefined ? (answer.message ?? `${response.status}`) : word(answer.code))
    return answer
  }
  const short = rev => rev.slice(0, 12)
  const row = (name, value) => make('tr', {}, make('th', { textContent: word(name) }), make('td', { textContent: value }))
  const alarmsOf = (name, alarms) =>
    alarms.length === 0
      ? []
      : [
          make('h4', { textContent: `${word(name)}: ${alarms.length}` }),
          make('ul', {}, ...alarms.slice(0, 50).map(a => make('li', { textContent: `${a.at ?? a.raisedAt} ${a.kind} ${a.subject}` }))),
        ]

  const content = make('div', { id: 'fengsui-release', style: 'padding: 8px; overflow: auto; height: 100%; box-sizing: border-box' })
  const said = make('p', { role: 'status', style: 'white-space: pre-wrap' })
  const button = (id, icon, work) => {
    const element = make('button', { type: 'button', id: `fengsui-release-${id}`, className: 'red-ui-button', textContent: word(id) })
    element.prepend(make('i', { className: `fa ${icon}` }), ' ')
    element.style.marginRight = '6px'
    element.addEventListener('click', async () => {
      element.disabled = true
      said.textContent = ''
      try {
        said.textContent = (await work()) ?? ''
      } catch (error) {
        said.textContent = error.message
      }
      element.disabled = false
      await show()
    })
    return element
  }
  const show = async () => {
    try {
      const { rev, history, candidate } = await api('')
      const table = make('table', {}, row('inForce', `${short(rev)} ${history[0]?.by ?? ''}`))
      const parts = [table]
      if (candidate === null) parts.push(make('p', { textContent: word('none') }))
      else {
        const passed = candidate.results.filter(r => r.ok).length
        table.append(
          row('candidate', short(candidate.rev)),
          row('by', candidate.by),
          row('since', new Date(candidate.since).toLocaleString()),
        )
        table.append(row('changes', String(candidate.changes.length)), row('scenarios', `${passed} / ${candidate.results.length}`))
        const { alarms, same, wouldHaveMissed, wouldHaveAdded } = await api('/shadow')
        table.append(row('alarms', String(alarms)), row('same', String(same)))
        parts.push(...alarmsOf('missed', wouldHaveMissed), ...alarmsOf('added', wouldHaveAdded))
        const approve = async () => (await api('/promote', 'POST', { rev: candidate.rev }), word('done'))
        const withdraw = async () => (await api('/candidate', 'DELETE'), word('withdrawn'))
        parts.push(make('p', {}, button('approve', 'fa-check', approve), button('withdraw', 'fa-undo', withdraw)))
      }
      content.replaceChildren(
        make(
          'p',
          {},
          button('refresh', 'fa-refresh', async () => ''),
        ),
        ...parts,
        said,
      )
    } catch (error) {
      content.replaceChildren(make('p', { textContent: error.message }))
    }
  }
  const open = () => {
    if (document.getElementById('fengsui-release') !== null) return
    RED.sidebar.addTab({
      id: 'fengsui-release',
      label: word('title'),
      name: word('title'),
      content: $(content),
      enableOnEdit: true,
      iconClass: 'fa fa-check-circle-o',
      action: 'fengsui:show-release',
      onchange: () => void show(),
    })
    RED.actions.add('fengsui:show-release', () => RED.sidebar.show('fengsui-release'))
  }
  RED.events.on('flows:loaded', open)
  // the gate answers in the language chosen in the editor, which need not be the browser's
  $.ajaxPrefilter(
    ({ type }, _given, request) => type === 'POST' && request.setRequestHeader('Accept-Language', RED.i18n.lang() ?? navigator.language),
  )

  // a candidate is no failed deploy, though nothing is in force yet: the editor would say so, and in red
  const notify = RED.notify
  RED.notify = (message, options, ...rest) => {
    const candidate = typeof message === 'string' ? /<span class="fengsui-candidate">.*<\/span>/s.exec(message) : null
    if (candidate === null) return notify(message, options, ...rest)
    void show()
    return notify(candidate[0], 'success')
  }
}
