export const METHODS = ["get", "post", "put", "patch", "delete", "options", "head"];

/** `POST /register` and the like, each with its operation. */
export const operations = (document: any): Map<string, any> =>
  new Map(
    Object.entries<any>(document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] !== undefined).map((method): [string, any] => [
        `${method.toUpperCase()} ${path}`,
        item[method],
      ]),
    ),
  );
