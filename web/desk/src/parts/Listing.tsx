import Box from "@cloudscape-design/components/box";
import Cards from "@cloudscape-design/components/cards";
import Pagination from "@cloudscape-design/components/pagination";
import Table from "@cloudscape-design/components/table";
import type { ReactNode } from "react";
import { useIsNarrow } from "./narrow";

export interface Column<Item> {
  readonly id: string;
  readonly header: string;
  readonly cell: (item: Item) => ReactNode;
  readonly width?: number;
}

interface Props<Item> {
  readonly label: string;
  readonly items: readonly Item[];
  readonly columns: readonly [Column<Item>, ...Column<Item>[]];
  readonly keyOf: (item: Item) => string;
  readonly header?: ReactNode;
  readonly filter?: ReactNode;
  readonly pagination?: ReactNode;
  readonly empty: string;
  readonly isLoading?: boolean;
  readonly variant?: "container" | "embedded" | "full-page";
}

/** A table, which on narrow screens is a list of cards. The first column is the row's name. */
export function Listing<Item>(props: Props<Item>) {
  const { label, items, columns, keyOf, header, filter, pagination, empty, isLoading = false, variant = "container" } = props;
  const isNarrow = useIsNarrow();
  const [name, ...others] = columns;
  const shared = {
    items,
    loading: isLoading,
    loadingText: `Loading ${label}`,
    header,
    filter,
    pagination,
    empty: (
      <Box textAlign="center" color="inherit" padding="s">
        {empty}
      </Box>
    ),
  };
  if (isNarrow) {
    return (
      <Cards
        {...shared}
        variant={variant === "full-page" ? "full-page" : "container"}
        stickyHeader={false}
        trackBy={keyOf}
        ariaLabels={{ itemSelectionLabel: () => "", selectionGroupLabel: "", cardsLabel: label }}
        cardDefinition={{
          header: name.cell,
          sections: others.map(({ id, header, cell }) => ({ id, header, content: cell })),
        }}
      />
    );
  }
  return (
    <Table
      {...shared}
      variant={variant}
      trackBy={keyOf}
      enableKeyboardNavigation
      wrapLines
      stickyHeader={variant === "full-page"}
      ariaLabels={{ tableLabel: label }}
      columnDefinitions={columns.map(({ id, header, cell, width }) => ({
        id,
        header,
        cell,
        isRowHeader: id === name.id,
        verticalAlign: "top",
        ...(width === undefined ? {} : { width }),
      }))}
    />
  );
}

/** Pages whose addresses are known only one after the other. */
export interface Pages {
  readonly known: readonly string[];
  readonly index: number;
}

export const FIRST_PAGE: Pages = { known: [""], index: 0 };

export function Pager({
  pages,
  next,
  onChange,
  label,
}: {
  readonly pages: Pages;
  readonly next: string | undefined;
  readonly onChange: (pages: Pages) => void;
  readonly label: string;
}) {
  const known = [...pages.known.slice(0, pages.index + 1), ...(next === undefined ? [] : [next])];
  return (
    <Pagination
      currentPageIndex={pages.index + 1}
      pagesCount={known.length}
      ariaLabels={{
        nextPageLabel: `Next page of ${label}`,
        previousPageLabel: `Previous page of ${label}`,
        paginationLabel: `Pages of ${label}`,
        pageLabel: (page) => `Page ${page} of ${label}`,
      }}
      onChange={({ detail }) => onChange({ known, index: detail.currentPageIndex - 1 })}
    />
  );
}
