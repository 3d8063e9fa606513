import { queryChoice, queryInteger, queryText } from './query';

type Order = 'asc' | 'desc';

/** The query fields that every list has, with the defaults of this one. */
export const pageFields = ({
  limit,
  order,
  maxLimit,
}: {
  limit: number;
  order: Order;
  maxLimit?: number;
}) => ({
  before: queryText(),
  after: queryText(),
  limit: queryInteger(maxLimit === undefined ? {} : { max: maxLimit }).transform((value) => value ?? limit),
  order: queryChoice(['asc', 'desc']).transform((value): Order => value ?? order),
});
