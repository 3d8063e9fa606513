import type { RequestHandler, Router } from 'express';

/** Answers what no route took: 405 if the path exists for another method, else 404. */
export function unknownRoute(routers: readonly Router[]): RequestHandler {
  return (req, res) => {
    const allowed = allowedMethods(routers, req.path.replace(/^\/(v1|latest)(?=\/)/, ''));
    if (allowed.length === 0) {
      res.status(404).json({ detail: 'Not Found' });
      return;
    }
    res.status(405).set('allow', allowed.join(', ')).json({ detail: 'Method Not Allowed' });
  };
}

function allowedMethods(routers: readonly Router[], path: string): string[] {
  const layers = routers
    .flatMap((router) => router.stack)
    .filter((layer) => layer.route && matches(layer, path));
  const methods = layers.flatMap(
    (layer) => layer.route?.stack.map((entry) => entry.method.toUpperCase()) ?? [],
  );
  return [...new Set(methods)].sort();
}

// `match` is the router's own test of a path; its types leave it out.
const matches = (layer: object, path: string): boolean =>
  (layer as { match(path: string): boolean }).match(path);
