import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Site } from './site.ts';

/** The storage behind feeds, by presigned addresses (AMZ-5.2, last verified 2026-11). */

interface Document {
  id: string;
  contentType: string;
  signature: string;
  signedAt: number;
  /** Null until uploaded. */
  text: string | null;
}

const urlLifeMs = 300_000;

/** `url`: where the shop is reached. */
export function createDocuments(site: Site, url: () => string) {
  const documents = new Map<string, Document>();
  const lifeMs = platformMs(urlLifeMs, site.timeScale);
  return {
    add(contentType: string, text: string | null = null): Document {
      const document = {
        id: `amzn1.tortuga.4.na.${site.uuid()}.${site.random.hex(12).toUpperCase()}`,
        contentType,
        signature: site.random.hex(64),
        signedAt: site.now(),
        text,
      };
      documents.set(document.id, document);
      return document;
    },
    textOf: (id: string) => documents.get(id)?.text ?? null,
    /** Signs its address afresh. Undefined: there is none of that id. */
    sign(id: string): Document | undefined {
      const document = documents.get(id);
      if (document !== undefined) document.signedAt = site.now();
      return document;
    },
    view({ id, signature }: Document) {
      const expires = Math.max(1, Math.round(lifeMs / 1000));
      const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=${expires}&X-Amz-Signature=${signature}`;
      return { feedDocumentId: id, url: `${url()}/tortuga/${id}?${query}` };
    },
    /** Uploads and downloads by presigned address; null: not one of those. */
    storage(request: ShopRequest): ShopAnswer | null {
      const id = /^\/tortuga\/(.+)$/.exec(request.path)?.[1];
      if (id === undefined) return null;
      const document = documents.get(decodeURIComponent(id));
      if (document === undefined || request.query.get('X-Amz-Signature') !== document.signature) {
        return refused(403, 'SignatureDoesNotMatch');
      }
      if (site.now() - document.signedAt > lifeMs) return refused(403, 'AccessDenied', 'Request has expired');
      if (request.method === 'PUT') {
        // The content type is part of what was signed.
        if (request.headers['content-type'] !== document.contentType) {
          return refused(403, 'SignatureDoesNotMatch');
        }
        document.text = request.body.toString('utf8');
        return { status: 200, headers: { ETag: `"${site.random.hex(32)}"` }, body: '' };
      }
      if (request.method !== 'GET' || document.text === null) return refused(404, 'NoSuchKey');
      return { status: 200, headers: { 'content-type': document.contentType }, body: document.text };
    },
  };
}

function refused(status: number, code: string, message = ''): ShopAnswer {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n${error}`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}
