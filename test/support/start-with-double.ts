// `npm start` with the server replaced by its double.
import path from 'node:path';
import { main } from '../../runtime/main';

void main({ serverModule: path.join(__dirname, 'server-double.ts') }).then((code) => process.exit(code));
