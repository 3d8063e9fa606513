import { toCodeModule } from '../../../../tools/typescript/code-module';

it.each([
  ['1 + 1', 'export default (1 + 1\n);\n'],
  ['const a = 1;\na; // the value', 'const a = 1;\nexport default (a\n);\n'],
  ['{ a: 1 }', '{ a: 1 }\nexport {};\n'],
  ['({ a: 1 })', 'export default (({ a: 1 })\n);\n'],
  ['', '\nexport {};\n'],
  ['f()\nfunction f() {}', 'f()\nfunction f() {}\nexport {};\n'],
  ['export default 3;\n4', 'export default 3;\n4\nexport {};\n'],
])('makes the last expression of %j the default export', (code, module) => {
  expect(toCodeModule(code, 'typescript')).toBe(module);
});
