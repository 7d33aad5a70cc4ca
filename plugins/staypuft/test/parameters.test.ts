import { expect } from 'chai';
import {
  environmentOf,
  parameterNameProblem,
  secretPlace,
  typedValue,
  valueProblems,
  valuesOf,
  withoutSecrets,
} from '../src/rules/parameters.ts';
import type { Parameter, ParameterType, ParameterValue } from '../src/types.ts';

const parameter = (name: string, type: ParameterType, preset: ParameterValue = null, required = false): Parameter => ({
  name,
  type,
  default: preset,
  required,
  description: '',
});
const blueprint = (...parameters: Parameter[]) => ({ parameters }) as never;

describe('Parameters of deployments', () => {
  it('staypuft:M-10 a host’s own value goes before its role’s, that before the deployment’s, that before the default', () => {
    const made = blueprint(...['a', 'b', 'c', 'd'].map((name) => parameter(name, 'text', 'preset')));
    const deployment = {
      parameters: { b: 'all', c: 'all', d: 'all', 'web:c': 'role', 'web:d': 'role', 'db:b': 'other' },
    };
    const values = valuesOf(made, deployment, { role: 'web', parameters: { d: 'host' } });
    expect(values.map(({ parameter: { name }, value, from }) => [name, value, from])).to.deep.equal([
      ['a', 'preset', 'default'],
      ['b', 'all', 'deployment'],
      ['c', 'role', 'role'],
      ['d', 'host', 'host'],
    ]);
    expect(valuesOf(made, deployment, null).map(({ value }) => value)).to.deep.equal(['preset', 'all', 'all', 'all']);
    expect(valuesOf(blueprint(parameter('toString', 'text')), { parameters: {} }, null)[0]?.value).to.equal(null);
  });

  it('staypuft:M-10 values are of the type the blueprint says', () => {
    const typed = (type: ParameterType, word: string) => typedValue(parameter('p', type), word);
    expect(typed('number', '8080')).to.deep.equal({ value: 8080 });
    expect(typed('number', '-1.5')).to.deep.equal({ value: -1.5 });
    expect(typed('boolean', 'true')).to.deep.equal({ value: true });
    expect(typed('list', 'a,b')).to.deep.equal({ value: ['a', 'b'] });
    expect(typed('text', '8080')).to.deep.equal({ value: '8080' });
    expect(typed('text', '')).to.deep.equal({ value: null });
    for (const [type, word] of [
      ['number', 'eighty'],
      ['number', '0x10'],
      ['boolean', 'yes'],
      ['text', 'a\0b'],
      ['list', 'a\nb'],
    ] as const) {
      expect(typed(type, word), `${type} ${word}`).to.have.property('problem');
    }
  });

  it('staypuft:M-02 a value that is required and missing is a problem, and so is one of a type the blueprint no longer has', () => {
    const made = blueprint(
      parameter('port', 'number', null, true),
      parameter('mode', 'boolean'),
      parameter('free', 'text'),
    );
    expect(valueProblems(valuesOf(made, { parameters: { mode: 'old' } }, null))).to.deep.equal([
      'port has no value',
      'mode is true or false, not "old"',
    ]);
    expect(valueProblems(valuesOf(made, { parameters: { port: 1 } }, null))).to.deep.equal([]);
  });

  it('staypuft:M-11 staypuft:E-13 a secret is only ever a place, and what it is stands in no message', async () => {
    expect(secretPlace('file:/etc/key')).to.deep.equal({ file: '/etc/key' });
    expect(secretPlace('command:/bin/ask')).to.deep.equal({ command: '/bin/ask' });
    for (const text of ['hunter2', 'file:etc', 'command:ls', 'file:/a\nb', 'http:/x', 'file:']) {
      expect(secretPlace(text)).to.equal(null);
      const answer = typedValue(parameter('key', 'secret'), text);
      expect(answer)
        .to.have.property('problem')
        .that.contains('file:/path')
        .and.does.not.contain(text === 'file:' ? 'hunter' : text);
    }
    const made = blueprint(
      parameter('key', 'secret'),
      parameter('bad', 'secret'),
      parameter('words', 'list'),
      parameter('none', 'text'),
    );
    const values = valuesOf(made, { parameters: { key: 'file:/etc/key', bad: 'hunter2', words: ['a', 'b'] } }, null);
    const asked: unknown[] = [];
    const environment = await environmentOf(values, async (place, name) => {
      asked.push([place, name]);
      return 's3cret';
    });
    expect(environment).to.deep.equal({ D3_PARAM_KEY: 's3cret', D3_PARAM_WORDS: 'a\nb' });
    expect(asked).to.deep.equal([[{ file: '/etc/key' }, 'key']]);
    expect(
      withoutSecrets([parameter('key', 'secret'), parameter('port', 'number')], [{ name: 'web' }], {
        key: 1,
        'web:key': 2,
        port: 3,
        'web:port': 4,
      }),
    ).to.deep.equal({ port: 3, 'web:port': 4 });
  });

  it('names of parameters become variables, so they are plain', () => {
    for (const name of ['port', 'PORT_2', 'a'.repeat(60)]) expect(parameterNameProblem(name)).to.equal(null);
    for (const name of ['', '2nd', 'a-b', 'a b', 'a:b', 'a'.repeat(61), 'ä'])
      expect(parameterNameProblem(name), name).not.to.equal(null);
  });
});
