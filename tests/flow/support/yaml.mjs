// Plain data as YAML: mappings, sequences, texts (always quoted), numbers and booleans; null leaves a key out.
export function toYaml(value, indent = '') {
  return Object.entries(value)
    .filter(([, entry]) => entry !== undefined && entry !== null)
    .map(([key, entry]) => `${indent}${key}:${yamlEntry(entry, `${indent}  `)}`)
    .join('')
}

function yamlEntry(entry, indent) {
  if (Array.isArray(entry)) {
    if (entry.length === 0) return ' []\n'
    return `\n${entry.map((item) => yamlItem(item, indent)).join('')}`
  }
  if (typeof entry === 'object') return `\n${toYaml(entry, indent)}`
  return ` ${JSON.stringify(entry)}\n`
}

function yamlItem(item, indent) {
  if (typeof item !== 'object') return `${indent}- ${JSON.stringify(item)}\n`
  return `${indent}- ${toYaml(item, `${indent}  `).trimStart()}`
}
