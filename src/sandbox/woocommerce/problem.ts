import type { Fields } from './php.ts';

/** A WP_Error on its way out. `data.status` is the HTTP status of the single call; a batch row keeps its own. */
export class RestProblem extends Error {
  readonly code: string;
  readonly status: number;
  readonly data: Fields;

  constructor(code: string, message: string, status: number, data: Fields = {}) {
    super(message);
    this.name = 'RestProblem';
    this.code = code;
    this.status = status;
    this.data = data;
  }

  /** `{code, message, data: {status, …}}` */
  body(): { code: string; message: string; data: Fields } {
    return { code: this.code, message: this.message, data: { status: this.status, ...this.data } };
  }
}

/** A refusal of WooCommerce's own; `name` stands behind `woocommerce_rest_`. */
export function wooProblem(name: string, message: string, status = 400): RestProblem {
  return new RestProblem(`woocommerce_rest_${name}`, message, status);
}

/** 400 `rest_invalid_param` naming one parameter. */
export function invalidParam(name: string, why: string, code = 'rest_invalid_type'): RestProblem {
  return new RestProblem('rest_invalid_param', `Invalid parameter(s): ${name}`, 400, {
    params: { [name]: why },
    details: { [name]: { code, message: why, data: null } },
  });
}

/** 400 `rest_missing_callback_param`. */
export function missingParam(...names: string[]): RestProblem {
  return new RestProblem('rest_missing_callback_param', `Missing parameter(s): ${names.join(', ')}`, 400, {
    params: names,
  });
}
