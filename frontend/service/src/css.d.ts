// Stylesheets that esbuild puts into one.
declare module "*.css";
