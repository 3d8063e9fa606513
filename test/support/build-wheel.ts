import { spawnSync } from 'node:child_process';

// A wheel is a zip file with a description beside the package.
const BUILD = `
import sys, zipfile
folder, name, version, source, pth = sys.argv[1:]
with zipfile.ZipFile(f'{folder}/{name}-{version}-py3-none-any.whl', 'w') as wheel:
    info = f'{name}-{version}.dist-info'
    wheel.writestr(f'{name}/__init__.py', source)
    if pth: wheel.writestr(f'{name}.pth', pth)
    wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n')
    wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(f'{info}/RECORD', '')
`;

/** Puts a wheel of one module into `folder`, where pip finds it. `pth` is code that Python runs when it starts. */
export function buildWheel(
  folder: string,
  { name, version, source, pth = '' }: { readonly name: string; readonly version: string; readonly source: string; readonly pth?: string },
): void {
  const { status, stderr } = spawnSync('python3', ['-c', BUILD, folder, name, version, source, pth], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
} // prettier-ignore
