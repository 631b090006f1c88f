// Clients from npm, run by npm_test.py in the directory that holds node_modules: node clients.mjs WHAT URL.
// prometheus-query and the completions of codemirror-promql ask the server; lezer judges the lines of the standard input.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const [what, url] = process.argv.slice(2);

async function prometheusQuery() {
  const { PrometheusDriver } = require('prometheus-query');
  const client = new PrometheusDriver({ endpoint: url, baseURL: '/api/v1' });
  const now = Date.now();
  const instant = await client.instantQuery('sum by (job) (requests_total)');
  assert.equal(instant.resultType, 'vector');
  assert.deepEqual(instant.result.map((row) => [row.metric.labels.job, row.value.value]).sort(), [['api', 40], ['web', 40]]);
  const range = await client.rangeQuery('temperature{job="api"}', now - 60_000, now, 15);
  assert.equal(range.resultType, 'matrix');
  assert.equal(range.result[0].metric.name, 'temperature');
  assert.equal(range.result[0].values.length, 5);
  assert.ok(range.result[0].values[0].time instanceof Date);
  const series = await client.series('{__name__=~"temp.*|req.*"}', now - 600_000, now);
  assert.deepEqual(series.map((one) => one.name).sort(), ['requests_total', 'requests_total', 'temperature', 'temperature']);
  assert.ok((await client.labelNames()).includes('job'));
  assert.deepEqual(await client.labelValues('job'), ['api', 'web']);
  assert.deepEqual(await client.labelValues('path'), ['/a b']);
  assert.deepEqual((await client.targets()).activeTargets, []);
  assert.deepEqual(await client.rules(), []);
  assert.deepEqual(await client.alerts(), []);
  assert.deepEqual((await client.alertmanagers()).activeAlertmanagers, []);
  await assert.rejects(client.instantQuery('sum(('), (error) => /unclosed left parenthesis/.test(`${error} ${JSON.stringify(error)}`));
  const status = await client.status();
  assert.match(status.version ?? status.yaml ?? JSON.stringify(status), /./);
}

/// The completions at the end of `text`, or where it has a |.
async function completions(strategy, text) {
  const { EditorState } = require('@codemirror/state');
  const { CompletionContext } = require('@codemirror/autocomplete');
  const { syntaxTree } = require('@codemirror/language');
  const { promQLLanguage, LanguageType } = require('@prometheus-io/codemirror-promql/dist/cjs/promql');
  const at = text.includes('|') ? text.indexOf('|') : text.length;
  const doc = text.replace('|', '');
  // An editor gives its parser 20 ms at a time; on a busy machine the tree may not be finished, and nothing is proposed.
  let state;
  do {
    state = EditorState.create({ doc, extensions: [promQLLanguage(LanguageType.PromQL)] });
  } while (syntaxTree(state).length < doc.length);
  const result = await strategy.promQL(new CompletionContext(state, at, true));
  return new Map((result?.options ?? []).map((option) => [option.label, option]));
}

async function codemirror() {
  const { newCompleteStrategy } = require('@prometheus-io/codemirror-promql/dist/cjs/complete');
  for (const httpMethod of ['POST', 'GET']) {
    const errors = [];
    const strategy = newCompleteStrategy({ remote: { url, httpMethod, httpErrorHandler: (error) => errors.push(error) } });
    const metrics = await completions(strategy, 'temp');
    assert.ok(metrics.has('temperature') && metrics.has('requests_total'), [...metrics.keys()].join());
    assert.equal(metrics.get('scraped_total').detail, 'counter');
    assert.equal(metrics.get('scraped_total').info, 'What was "scraped".');
    const labels = await completions(strategy, 'requests_total{|}');
    assert.deepEqual([...labels.keys()].filter((label) => ['job', 'path', '__name__'].includes(label)).sort(), ['job', 'path']);
    const values = await completions(strategy, 'requests_total{job="|"}');
    assert.deepEqual([...values.keys()].sort(), ['api', 'web']);
    const narrowed = await completions(strategy, '{path="/a b",job="|"}');
    assert.deepEqual([...narrowed.keys()].sort(), ['api', 'web']);
    const grouping = await completions(strategy, 'sum by (|) (temperature)');
    assert.ok(grouping.has('job') && !grouping.has('path'), [...grouping.keys(), ...errors].join());
    assert.ok((await completions(strategy, 'rat')).has('rate'));
    assert.deepEqual(errors, []);
    strategy.destroy?.();
  }
}

/// Prints for each line, which is JSON of an expression, whether lezer finds no error in it.
async function lezer() {
  const { parser } = require('@prometheus-io/lezer-promql');
  let input = '';
  for await (const chunk of process.stdin) input += chunk;
  for (const line of input.trim().split('\n')) {
    let good = true;
    parser.parse(JSON.parse(line)).iterate({ enter: (node) => { good &&= !node.type.isError; } });
    console.log(good);
  }
}

await { prometheusQuery, codemirror, lezer }[what]();
