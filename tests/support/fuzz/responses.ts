import { Ajv, type ValidateFunction } from 'ajv';
import { errorKind } from '../../../src/errors.ts';
import { type OpenApiDocument, resolve } from '../../../src/pipeline/document.ts';
import type { DocumentedOperation } from './requests.ts';

export interface ReceivedResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  /** The body; of a stream only its beginning. */
  readonly text: string;
}

/** Returns how a response differs from its documentation, or undefined if it does not. */
export type CheckResponse = (
  operation: DocumentedOperation,
  isHead: boolean,
  response: ReceivedResponse,
) => string | undefined;

export function createResponseCheck(document: OpenApiDocument): CheckResponse {
  // OpenAPI has formats (int32) and keywords (x-...) that JSON Schema does not have.
  const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false, allErrors: true });
  ajv.addSchema(document, 'document');
  const compiled = new Map<string, ValidateFunction>();

  function schemaAt(pointer: readonly string[]): ValidateFunction {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const validate = compiled.get(path) ?? ajv.compile({ $ref: `document#/${path}` });
    compiled.set(path, validate);
    return validate;
  }

  return ({ pointer, operation }, isHead, { status, contentType, text }) => {
    const key = operation.responses[status] ? String(status) : 'default';
    const response = operation.responses[key];
    if (!response) return `${status} is not documented`;
    const { content = {} } = resolve(document, response);
    if (isHead) return text === '' ? undefined : 'a response to HEAD has a body';
    if (text === '') {
      const mayBeEmpty = Object.keys(content).length === 0 || operation['x-body-optional'] === true;
      return mayBeEmpty ? undefined : `${status} has no body`;
    }
    const type = contentType?.split(';')[0] ?? '';
    if (!content[type]) return `${status} is documented as ${Object.keys(content).join(' or ')} and comes as ${type}`;
    if (type !== 'application/json') return undefined;
    const body: unknown = JSON.parse(text);
    const place = response.$ref ? response.$ref.split('/').slice(1) : ['paths', ...pointer, 'responses', key];
    const validate = schemaAt([...place, 'content', type, 'schema']);
    if (!validate(body)) return ajv.errorsText(validate.errors, { dataVar: 'body' });
    return status < 400 ? undefined : wrongError(status, body as { error: { code: number } });
  };
}

/** Returns a message if the table of errors has no error with this code and status. */
function wrongError(status: number, { error }: { error: { code: number } }): string | undefined {
  const kind = Object.values(errorKind).find(({ code }) => code === error.code);
  return kind?.status === status ? undefined : `code ${error.code} is not one of status ${status}`;
}
